import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { startServer } from "sealpipe";
import { commands } from "#dist/cli/commands.js";
import { helpOf, overview } from "#dist/cli/help.js";
import { freshName } from "../support/names.ts";
import { endOf, runSealpipe, startSealpipe } from "../support/sealpipe-program.ts";

const root = new URL("../../../", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));

describe("sealpipe, without a command", () => {
  test("shows what there is, on stdout if it was asked to", async () => {
    const { exitCode, stdout, stderr } = await runSealpipe(["--help"]);
    assert.deepEqual([exitCode, stdout, stderr], [0, `${overview(commands)}\n`, ""]);
    const page = stdout.replace(/\s+/g, " ");
    for (const { name, summary } of commands) assert.ok(page.includes(` ${name} ${summary}`), name);
  });

  test("shows the same on stderr if it has nothing to do", async () => {
    const { exitCode, stdout, stderr } = await runSealpipe([]);
    assert.deepEqual([exitCode, stdout, stderr], [2, "", `${overview(commands)}\n`]);
  });

  test("says its version", async () => {
    assert.deepEqual((await runSealpipe(["--version"])).stdout, `${manifest.version}\n`);
  });

  test("does not know a command that does not exist", async () => {
    const { exitCode, stdout, stderr } = await runSealpipe(["pong", "my-app"]);
    assert.deepEqual([exitCode, stdout], [2, ""]);
    assert.match(stderr, /^sealpipe: there is no command pong my-app; /);
  });
});

describe("sealpipe, with a command", () => {
  for (const command of commands) {
    const { name } = command;
    test(`${name} shows its help, with examples that begin with its name`, async () => {
      const { exitCode, stdout } = await runSealpipe([...name.split(" "), "--help"]);
      assert.deepEqual([exitCode, stdout], [0, `${helpOf(command)}\n`]);
      assert.ok(command.examples.length > 0);
      for (const { command: line } of command.examples) assert.ok(line.includes(`sealpipe ${name}`), line);
      const other = await runSealpipe(["help", ...name.split(" ")]);
      assert.equal(other.stdout, stdout);
    });

    test(`${name} refuses an option that it does not have`, async () => {
      const { exitCode, stdout, stderr } = await runSealpipe([...name.split(" "), "--no-such-thing"]);
      assert.deepEqual([exitCode, stdout], [2, ""]);
      assert.match(stderr, /no-such-thing/);
      assert.match(stderr, new RegExp(`\`sealpipe ${name} --help\``));
    });
  }

  test("says which argument is missing, and which is too many", async () => {
    const missing = await runSealpipe(["ping"]);
    assert.deepEqual(
      [missing.exitCode, missing.stderr.split("\n")[0]],
      [2, "sealpipe ping: NAME is missing"],
    );
    const tooMany = await runSealpipe(["ping", "one", "two"]);
    assert.equal(tooMany.exitCode, 2);
    assert.match(tooMany.stderr, /one argument too many: two/);
  });

  test("refuses values that are not what an option takes", async () => {
    for (const [args, words] of [
      [["--count", "0"], /--count takes an integer from 1 to 1000000, not 0/],
      [["--count", "1e3"], /--count takes an integer/],
      [["--interval", "5"], /--interval takes a time from 1ms .* not 5/],
      [["--timeout", "600h"], /--timeout takes a time/],
      [["--profile", "modern"], /--profile takes auto, classic or native, not modern/],
      [["--trust", "root"], /--trust takes an integer/],
      [["--secret-file", "/nowhere/secret"], /--secret-file: there is no file \/nowhere\/secret/],
      [["--wait", "soon"], /--wait takes a time/],
    ] as const) {
      const { exitCode, stdout, stderr } = await runSealpipe(["ping", freshName(), ...args]);
      assert.deepEqual([exitCode, stdout], [2, ""], stderr);
      assert.match(stderr, words);
    }
  });

  test("ends with 3 if no server is there, and says so once", async () => {
    const name = freshName();
    const { exitCode, stdout, stderr } = await runSealpipe(["ping", name]);
    assert.deepEqual([exitCode, stdout], [3, ""]);
    assert.match(stderr, /^sealpipe ping: cannot connect to .*no server is there.*\(ERR_CONNECT_FAILED\)\n$/);
    const late = await runSealpipe(["ping", name, "--wait", "50ms"]);
    assert.equal(late.exitCode, 3);
    assert.match(late.stderr, /ERR_CONNECT_TIMEOUT/);
  });

  test("ends with 2 if the name cannot be one", async () => {
    const { exitCode, stderr } = await runSealpipe(["ping", "no/slashes"]);
    assert.equal(exitCode, 2);
    assert.match(stderr, /ERR_INVALID_NAME/);
  });

  test("ends with 4 if one end refuses the other", async (t) => {
    const server = await startServer(freshName(), { secret: "the server's secret, which is long" });
    t.after(() => server.close());
    const { exitCode, stderr } = await runSealpipe(["ping", server.name]);
    assert.equal(exitCode, 4, stderr);
    assert.doesNotMatch(stderr, /the server's secret/);
  });

  test("ends at once, and quietly, when nobody reads its output", async (t) => {
    const server = await startServer(freshName());
    t.after(() => server.close());
    const child = startSealpipe(["ping", server.name, "--count", "100000", "--interval", "1ms"]);
    child.stdin.end();
    child.stdout.once("data", () => child.stdout.destroy());
    const { exitCode, stderr } = await endOf(child);
    assert.deepEqual([exitCode, stderr], [141, ""]);
  });

  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    test(`closes its connection and ends with ${code} after ${signal}`, async (t) => {
      const server = await startServer(freshName());
      t.after(() => server.close());
      const left = new Promise<string>((resolve) =>
        server.on("connection", (connection) => connection.on("close", () => resolve(connection.status))),
      );
      const child = startSealpipe(["ping", server.name, "--count", "100000"]);
      child.stdout.once("data", () => child.kill(signal));
      const { exitCode, stderr } = await endOf(child);
      assert.deepEqual([exitCode, stderr, await left], [code, "", "disconnected"]);
    });
  }
});
