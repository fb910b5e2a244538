import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { type Server, startServer } from "sealpipe";
import { contract, event, exportContract, method } from "sealpipe/contract";
import { z } from "zod";
import { commands } from "#dist/cli/commands.js";
import { freshDirectory, freshName } from "../support/names.ts";
import { runSealpipe, sealpipeProgram } from "../support/sealpipe-program.ts";
import { Terminal } from "../support/terminal.ts";
import { lacks } from "../support/toolchains.ts";

async function talkative(t: TestContext): Promise<Server> {
  const server = await startServer(freshName());
  t.after(() => server.close());
  server.handle(1, ({ text }) => text.toUpperCase());
  server.handle(4711, () => "4711");
  server.handleStream(2, async (stream) => {
    await stream.write(`${stream.text} one`);
    await stream.write(`${stream.text} two`);
  });
  server.on("message", ({ connection, type, text }) => void connection.write(type, `you said ${text}`));
  server.allowDescribe();
  return server;
}

describe("sealpipe connect, from a pipe", () => {
  test("does what the lines say", async (t) => {
    const server = await talkative(t);
    const input = "request 1 two words\nstream 2 item\nstatus\n\nquit\nrequest 1 never\n";
    const { exitCode, stderr, records } = await runSealpipe(["connect", server.name], { input });
    assert.deepEqual([exitCode, stderr], [0, ""]);
    assert.deepEqual(records, [
      { event: "answer", bytes: 9, text: "TWO WORDS" },
      { event: "item", bytes: 8, text: "item one" },
      { event: "item", bytes: 8, text: "item two" },
      { status: "connected", profile: "native", encrypted: true },
    ]);
  });

  test("goes on after a line that fails, and ends with 1", async (t) => {
    const server = await talkative(t);
    const input = "request 3\nrequest x\nnonsense\nrequest 1 still here\n";
    const { exitCode, stderr, records } = await runSealpipe(["connect", server.name], { input });
    assert.equal(exitCode, 1);
    assert.match(stderr, /ERR_NO_HANDLER.*\nTYPE takes an integer.*\nthere is no nonsense: try help\n/);
    assert.deepEqual(records, [{ event: "answer", bytes: 10, text: "STILL HERE" }]);
  });

  test("knows the names of a contract", async (t) => {
    const server = await talkative(t);
    const file = join(freshDirectory(), "contract.json");
    const shout = contract("shout", {
      shout: method(1, { input: z.string(), output: z.string() }),
      said: event(5, z.string()),
    });
    writeFileSync(file, JSON.stringify(exportContract(shout)));
    const input = 'shout "a b"\n';
    const { records, stderr } = await runSealpipe(["connect", server.name, "--contract", file], { input });
    assert.deepEqual(records, [{ event: "answer", bytes: 5, text: '"A B"' }], stderr);
    writeFileSync(file, "{}");
    const wrong = await runSealpipe(["connect", server.name, "--contract", file], { input });
    assert.equal(wrong.exitCode, 2);
    assert.match(wrong.stderr, /no description of a contract/);
  });
});

describe("sealpipe connect, in a terminal", { skip: lacks("tmux", "-V") }, () => {
  test("edits lines, completes, shows what comes, and remembers", async (t) => {
    const server = await talkative(t);
    const state = freshDirectory();
    const terminal = new Terminal(t, { XDG_STATE_HOME: state });
    terminal.run([process.execPath, sealpipeProgram, "connect", server.name]);
    await terminal.until(new RegExp(`^${server.name}> $`, "m"));
    terminal.type("req");
    terminal.key("Tab");
    await terminal.until(/> request $/m);
    terminal.type("47");
    terminal.key("Tab");
    await terminal.until(/> request 4711 $/m);
    terminal.key("Enter");
    await terminal.until(/^4711$/m);
    terminal.type("send 5 hello");
    terminal.key("Enter");
    await terminal.until(/^← 5 you said hello$/m);
    // A message that comes while a line is typed shows above that line.
    terminal.type("half a li");
    await terminal.until(/> half a li$/m);
    await server.broadcast(6, "news \u001b[2J");
    await terminal.until(/^← 6 news \\x1b\[2J\n.*> half a li$/m);
    terminal.key("C-c");
    terminal.key("Up");
    await terminal.until(/> send 5 hello$/m);
    terminal.key("C-u");
    const left = once(server.connections[0] as never, "close");
    terminal.key("C-d");
    await left;
    await terminal.untilEnded();
    const file = join(state, "sealpipe", "history");
    assert.equal(readFileSync(file, "utf8"), "request 4711 \nsend 5 hello\n");
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  test("keeps no history if asked not to, and no escape sequence of a peer reaches the terminal", async (t) => {
    const server = await talkative(t);
    const state = freshDirectory();
    const terminal = new Terminal(t, { XDG_STATE_HOME: state });
    terminal.run([process.execPath, sealpipeProgram, "connect", server.name, "--no-history"]);
    await terminal.until(/> $/m);
    terminal.type("quit");
    terminal.key("Enter");
    await terminal.untilEnded();
    assert.equal(existsSync(join(state, "sealpipe")), false);
  });

  test("is text there, without being asked, and so is ping", async (t) => {
    const server = await talkative(t);
    const terminal = new Terminal(t);
    terminal.run([process.execPath, sealpipeProgram, "ping", server.name, "-n", "2", "-i", "1ms"]);
    await terminal.untilEnded();
    const screen = terminal.screen();
    assert.match(screen, /; native, encrypted; connected in /);
    assert.match(screen, /^2 answers: min /m);
    assert.match(screen, /█/);
  });
});

describe("sealpipe completion", () => {
  test("is a script that bash can read, and that completes", {
    skip: lacks("bash", "--version"),
  }, async () => {
    const { exitCode, stdout } = await runSealpipe(["completion", "bash"]);
    assert.equal(exitCode, 0);
    const complete = (words: readonly string[]): string[] => {
      const list = words.map((word) => `'${word}'`).join(" ");
      const script = `${stdout}\nCOMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _sealpipe; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout: found, stderr } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
      assert.equal(stderr.replace(/.*no job control.*\n/g, ""), "");
      return found.split("\n").filter((word) => word !== "");
    };
    assert.deepEqual(complete(["sealpipe", "pi"]), ["ping"]);
    assert.deepEqual(complete(["sealpipe", "ping", "--cou"]), ["--count"]);
    assert.deepEqual(complete(["sealpipe", "ping", "--profile", "cl"]), ["classic"]);
    assert.deepEqual(complete(["sealpipe", "tap", "x", "--no-d"]), ["--no-data"]);
  });

  for (const [shell, check] of [
    ["zsh", "-n"],
    ["fish", "--no-execute"],
  ] as const) {
    test(`is a script that ${shell} can read`, { skip: lacks(shell, "--version") }, async () => {
      const { exitCode, stdout } = await runSealpipe(["completion", shell]);
      assert.equal(exitCode, 0);
      const file = join(freshDirectory(), "completion");
      writeFileSync(file, stdout);
      const { status, stderr } = spawnSync(shell, [check, file], { encoding: "utf8" });
      assert.deepEqual([status, stderr], [0, ""]);
    });
  }

  test("completes in fish", { skip: lacks("fish", "--version") }, async () => {
    const { stdout } = await runSealpipe(["completion", "fish"]);
    const script = `${stdout}\ncomplete -C 'sealpipe pin'; complete -C 'sealpipe ping --coun'`;
    const env = { ...process.env, HOME: freshDirectory() };
    const { stdout: found } = spawnSync("fish", ["--private", "-c", script], { encoding: "utf8", env });
    assert.match(found, /^ping\t/m);
    assert.match(found, /^--count\t/m);
  });

  test("is for shells that there are", async () => {
    assert.equal((await runSealpipe(["completion", "csh"])).exitCode, 2);
  });
});

describe("sealpipe manual", () => {
  test("has each command, and is a page without faults", { skip: lacks("groff", "--version") }, async () => {
    const { exitCode, stdout } = await runSealpipe(["manual"]);
    assert.equal(exitCode, 0);
    const args = ["-man", "-Tascii", "-P-cbou", "-ww"];
    const { stdout: page, stderr } = spawnSync("groff", args, { input: stdout, encoding: "utf8" });
    assert.equal(stderr, "");
    for (const { name, summary } of commands) {
      assert.ok(page.includes(name.toUpperCase()), name);
      assert.ok(page.replace(/\s+/g, " ").includes(summary), summary);
    }
    assert.match(page, /--no-data/);
  });
});
