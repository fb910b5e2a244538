import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { spawnSidecar } from "sealpipe/sidecar";
import { lacksGo } from "../support/go-peer.ts";
import { freshDirectory, freshName } from "../support/names.ts";

const root = new URL("../../../", import.meta.url);
const page = readFileSync(new URL("docs/go.md", root), "utf8");

function example(language: string, index = 0): string {
  const all = [...page.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, "gm"))];
  const found = all[index]?.[1];
  assert.ok(found !== undefined, `docs/go.md has no example in ${language}`);
  return found;
}

describe("the page about Go", { skip: lacksGo() }, () => {
  const directory = freshDirectory();

  function build(program: string, code: string): string {
    const source = join(directory, program);
    mkdirSync(source);
    writeFileSync(join(source, "main.go"), code);
    const library = fileURLToPath(new URL("go/", root));
    writeFileSync(
      join(source, "go.mod"),
      `module daemon\n\ngo 1.24\n\nrequire sealpipe v0.0.0\n\nreplace sealpipe => ${library}\n`,
    );
    execFileSync("go", ["mod", "tidy"], { cwd: source, stdio: "ignore" });
    execFileSync("go", ["build", "-o", "daemon", "."], {
      cwd: source,
      stdio: ["ignore", "ignore", "inherit"],
    });
    return join(source, "daemon");
  }

  test("has a daemon and a GUI's main process that talk to each other", async () => {
    const name = freshName();
    const environment = { ...process.env, XDG_RUNTIME_DIR: directory };
    const daemon = spawn(build("daemon", example("go").replaceAll("my-app", name)), {
      env: environment,
      stdio: "inherit",
    });
    const gui = join(directory, "gui.mjs");
    // Types are of no use to Node here; there are none in it.
    const code = example("typescript")
      .replaceAll("my-app", name)
      .replace('"sealpipe"', JSON.stringify(new URL("dist/index.js", root).href));
    writeFileSync(gui, `${code}console.log(answer.text);\nawait daemon.close();\n`);
    const main = spawn(process.execPath, [gui], { env: environment, stdio: ["ignore", "pipe", "inherit"] });
    const lines: string[] = [];
    createInterface({ input: main.stdout }).on("line", (line) => lines.push(line));
    await once(main, "close");
    daemon.kill("SIGTERM");
    const [status] = await once(daemon, "exit");
    assert.deepEqual(lines.sort(), ["/etc/hosts", "2 ready"].sort());
    assert.equal(status, 0);
  });

  test("has a sidecar that a program on Node starts and stops", async () => {
    const sidecar = await spawnSidecar(build("sidecar", example("go", 1)), [], {
      readyTimeoutMs: 60_000,
      expect: { application: "my-daemon", version: "2.1.0" },
    });
    assert.equal((await sidecar.client.request(1, "hello")).text, "hello");
    await sidecar.stop();
    assert.equal(sidecar.status, "stopped");
  });
});
