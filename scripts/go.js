// Checks and tests the Go library. If Go is missing it says so, and fails only if SEALPIPE_REQUIRE_TOOLCHAINS
// is set, as in CI. With arguments it only runs `go test` with them.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const module = fileURLToPath(new URL("../go", import.meta.url));
const staticcheck = "honnef.co/go/tools/cmd/staticcheck@v0.8.2";

function run(command, args, environment = {}) {
  console.log(`\n> ${command} ${args.join(" ")}`);
  const env = { ...process.env, ...environment };
  const { status } = spawnSync(command, args, { cwd: module, stdio: "inherit", env });
  if (status !== 0) process.exit(status ?? 1);
}

function checkFormat() {
  const { stdout, stderr, status } = spawnSync("gofmt", ["-l", "."], { cwd: module, encoding: "utf8" });
  if (status === 0 && stdout === "") return;
  console.error(`✖ gofmt would change:\n${stdout}${stderr}`);
  process.exit(1);
}

const version = spawnSync("go", ["version"], { encoding: "utf8" });
if (version.status !== 0) {
  const required = Boolean(process.env.SEALPIPE_REQUIRE_TOOLCHAINS);
  console.error(
    `${required ? "✖" : "﹣"} go is not installed: Go's tests ${required ? "fail" : "are skipped"}`,
  );
  process.exit(required ? 1 : 0);
}

console.log(version.stdout.trim());
const chosen = process.argv.slice(2);
if (chosen.length > 0) {
  run("go", ["test", ...chosen]);
  process.exit(0);
}
checkFormat();
run("go", ["vet", "./..."]);
run("go", ["vet", "./..."], { GOOS: "windows", GOARCH: "amd64", CGO_ENABLED: "0" });
run("go", ["vet", "./..."], { GOOS: "darwin", GOARCH: "arm64", CGO_ENABLED: "0" });
run("go", ["run", staticcheck, "./..."]);
run("go", ["test", "-race", "-count=1", "-timeout=240s", "./..."]);
