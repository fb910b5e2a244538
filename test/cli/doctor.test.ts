import assert from "node:assert/strict";
import { chmodSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { startServer } from "sealpipe";
import { clockFinding, leftoverFinding, runtimeFinding, secretFinding } from "#dist/cli/diagnosis.js";
import { startServerProcess } from "../support/children.ts";
import { lacksGo } from "../support/go-peer.ts";
import { startGoServer } from "../support/go-server.ts";
import { freshDirectory, freshName } from "../support/names.ts";
import { noUnixSockets } from "../support/platform.ts";
import { runSealpipe } from "../support/sealpipe-program.ts";

const skip = noUnixSockets || (process.platform !== "linux" && "only Linux shows who listens");

/** The exit code, and the state of each check, with what is said of it. */
async function examined(...args: readonly string[]) {
  const { exitCode, stderr, records } = await runSealpipe(["doctor", ...args]);
  assert.equal(stderr, "");
  const states = Object.fromEntries(records.map(({ check, state }) => [check, state]));
  const words = Object.fromEntries(records.map(({ check, what }) => [check, what as string]));
  return { exitCode, states, words, summary: records.at(-1) };
}

describe("sealpipe doctor", { skip }, () => {
  test("finds nothing wrong with a server of ours", async (t) => {
    const directory = freshDirectory();
    const server = await startServer("my-app", { directory, application: "my-daemon" });
    t.after(() => server.close());
    const { exitCode, states, words, summary } = await examined("my-app", "--directory", directory);
    assert.deepEqual(states, {
      runtime: "ok",
      listener: "ok",
      trust: "ok",
      mode: "ok",
      clock: "ok",
      leftovers: "ok",
      connection: "ok",
      undefined: undefined,
    });
    assert.match(words["listener"] as string, new RegExp(`^${process.pid} .*with sealpipe$`));
    assert.match(words["connection"] as string, /^my-daemon, sealpipe\/.*; native, encrypted; in /);
    assert.deepEqual([exitCode, summary], [0, { event: "summary", problems: 0, warnings: 0 }]);
  });

  test("finds that no server is there, and one of that name elsewhere", async (t) => {
    const [directory, other] = [freshDirectory(), freshDirectory()];
    const name = freshName();
    const server = await startServer(name, { directory: other });
    t.after(() => server.close());
    const { exitCode, states, words } = await examined(name, "--directory", directory);
    assert.deepEqual([exitCode, states["listener"], states["elsewhere"]], [1, "problem", "warning"]);
    assert.match(words["elsewhere"] as string, new RegExp(`listens at ${server.address}`));
  });

  test("finds a dead socket, and a file in the socket's place", async () => {
    const directory = freshDirectory();
    const killed = await startServerProcess("killed", { directory });
    await killed.kill();
    const dead = await examined("killed", "--directory", directory);
    assert.deepEqual([dead.exitCode, dead.states["listener"]], [1, "problem"]);
    assert.match(dead.words["listener"] as string, /is dead: its server was killed/);
    writeFileSync(join(directory, "file.sock"), "");
    const file = await examined("file", "--directory", directory);
    assert.match(file.words["listener"] as string, /is no socket/);
  });

  test("finds a directory that others can change, or that is not there", async () => {
    const directory = join(freshDirectory(), "open");
    mkdirSync(directory);
    chmodSync(directory, 0o777);
    const open = await examined("my-app", "--directory", directory);
    assert.equal(open.states["trust"], "problem");
    assert.match(open.words["trust"] as string, /others can write to, without the sticky bit/);
    const missing = await examined("my-app", "--directory", join(directory, "missing"));
    assert.deepEqual([missing.states["trust"], missing.states["clock"]], ["problem", "problem"]);
  });

  test("finds that the secret is missing", async (t) => {
    const secretFile = join(freshDirectory(), "secret");
    const server = await startServer(freshName(), { secretFile });
    t.after(() => server.close());
    const without = await examined(server.name);
    assert.equal(without.states["connection"], "problem");
    assert.match(without.words["connection"] as string, /ERR_AUTHENTICATION_FAILED/);
    const withIt = await examined(server.name, "--secret-file", secretFile);
    assert.deepEqual(
      [withIt.exitCode, withIt.states["connection"], withIt.states["secret"]],
      [0, "ok", "ok"],
    );
  });

  test("does not connect to golang-ipc unless asked to", { skip: lacksGo() }, async (t) => {
    const { name, go } = await startGoServer(t);
    const { exitCode, states, words } = await examined(name);
    assert.deepEqual([exitCode, states["connection"]], [0, "warning"]);
    assert.match(words["listener"] as string, new RegExp(`^${go.child.pid} .*golang-ipc or something else`));
    assert.equal((await go.ask({ do: "status" }))["status"], "listening");
    const connected = await examined(name, "--connect", "--wait", "60s");
    assert.match(connected.words["connection"] as string, /^golang-ipc; classic, encrypted/);
  });

  test("says what is wrong with a name", async () => {
    const { exitCode, words } = await examined("no/slashes");
    assert.equal(exitCode, 1);
    assert.match(words["address"] as string, /ERR_INVALID_NAME/);
  });

  test("examines the machine, and is text for people", async () => {
    const { stdout } = await runSealpipe(["doctor", "--no-json"]);
    assert.match(stdout, /^✓ runtime: Node /m);
    assert.match(stdout, /^[✓!] dead sockets: /m);
    assert.match(stdout, /^(1 problem|\d+ problems), (1 warning|\d+ warnings)$/m);
  });
});

describe("a finding", { skip }, () => {
  test("of the runtime: too old, old enough", () => {
    for (const [version, state] of [
      ["18.20.0", "problem"],
      ["20.18.9", "problem"],
      ["20.19.0", "ok"],
      ["24.0.0", "ok"],
    ] as const) {
      assert.equal(runtimeFinding(version).state, state, version);
    }
  });

  test("of the clock leaves nothing behind, and says when nothing can be made", () => {
    const directory = freshDirectory();
    assert.equal(clockFinding(directory).state, "ok");
    assert.equal(leftoverFinding(directory).state, "ok");
    assert.equal(clockFinding("/nowhere").state, "problem");
  });

  test("of leftovers: what a killed server left, but not of one that is starting", () => {
    const directory = freshDirectory();
    mkdirSync(join(directory, ".sp-aB3xYz"));
    assert.equal(leftoverFinding(directory).state, "ok");
    const longAgo = new Date(Date.now() - 120_000);
    utimesSync(join(directory, ".sp-aB3xYz"), longAgo, longAgo);
    assert.equal(leftoverFinding(directory).state, "warning");
  });

  test("of a secret's file", () => {
    const directory = freshDirectory();
    const file = join(directory, "secret");
    assert.equal(secretFinding(file).state, "problem");
    writeFileSync(file, "secret", { mode: 0o600 });
    assert.equal(secretFinding(file).state, "ok");
    chmodSync(file, 0o640);
    assert.equal(secretFinding(file).state, "problem");
    assert.equal(secretFinding(directory).state, "problem");
  });
});
