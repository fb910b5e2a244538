import assert from "node:assert/strict";
import { once } from "node:events";
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { type Client, startClient } from "sealpipe";
import { type Exit, type OutputLine, type SidecarStatus, spawnSidecar } from "sealpipe/sidecar";
import { isEvent, startChild } from "../support/children.ts";
import { TestDaemon } from "../support/daemons.ts";
import { buildGoEnd } from "../support/go-end.ts";
import { lacksGo, towardsGo } from "../support/go-peer.ts";
import { onWindows } from "../support/platform.ts";
import {
  commandOf,
  freshPidFile,
  isThere,
  killsParent,
  killsParentWhileItStarts,
  pidIn,
  startSidecar,
} from "../support/sidecars.ts";
import { record, until } from "../support/waiting.ts";

// What holds on Windows as it does elsewhere, with as few processes as show it: on Wine each takes long to start.

const timeout = 300_000;
const byParent = '{"by":"parent","reason":""}';
const ask = async ({ client }: { client: Client }, question: string): Promise<string> =>
  (await client.request(1, question)).text;

describe("on every platform, a sidecar", { timeout }, () => {
  for (const [when, question, how, launcher] of [
    ["with a child of its own", "grandchild", "", undefined],
    ["with a launcher in between", "hang", "", "shell"],
    ["though it never finishes what it does at the end", "pid", "never-drains", undefined],
    ["though its event loop is blocked", "block", "blocks", undefined],
  ] as const) {
    test(`ends when its parent is killed, ${when}`, async (t) => {
      const pidFile = freshPidFile(t);
      await killsParent(commandOf(pidFile, how, launcher), { question });
      if (how === "")
        assert.equal(readFileSync(`${pidFile}.end`, "utf8"), byParent, "it had its time to drain");
    });
  }

  test("ends when its parent is killed while it starts", async (t) => {
    const pidFile = freshPidFile(t);
    await killsParentWhileItStarts(commandOf(pidFile), pidFile);
  });

  test("says so if nothing is handed over", async (t) => {
    const child = startChild("sidecar-child", freshPidFile(t));
    child.child.stdin?.end();
    assert.deepEqual(await once(child.child, "close"), [1, null]);
    assert.match(child.stderr, /ERR_NO_PARENT/);
  });

  test("is authenticated, has no secret in its arguments or environment, prints as much as it likes, and ends in order when it is asked to", async (t) => {
    const sidecar = await startSidecar(t, { expect: { application: "test-sidecar", version: "1.0.0" } });
    const { pid, client } = sidecar;
    assert.ok(client.encrypted);
    assert.equal(Number(await ask(sidecar, "pid")), pid);
    assert.ok(!(await ask(sidecar, "words")).includes(client.name));
    let bytes = 0;
    sidecar.on("line", ({ text }) => {
      bytes += text.length + 1;
    });
    await ask(sidecar, "talk less");
    await until(() => bytes === 10_000_000);
    const lines = record<OutputLine>(sidecar, "line");
    const exits = record<Exit>(sidecar, "exit");
    await sidecar.stop("goodbye: é");
    assert.ok(!isThere(pid as number));
    assert.deepEqual(lines.at(-1), { source: "stdout", text: '{"by":"asked","reason":"goodbye: é"}' });
    assert.deepEqual(exits, [{ code: 0, signal: null }]);
  });

  test("is started again when it is killed, with what it had started gone, until it has ended too often", async (t) => {
    const sidecar = await startSidecar(t, { maxRestarts: 1 });
    const statuses = record<SidecarStatus>(sidecar, "status");
    const errors = record<Error>(sidecar, "error");
    const first = Number(await ask(sidecar, "pid"));
    const grandchild = Number(await ask(sidecar, "grandchild"));
    // An event, bounded by the test's time alone: a busy machine may take long to start a program.
    const ready = new Promise<void>((resolve) => {
      sidecar.on("status", (status) => status === "ready" && resolve());
    });
    process.kill(first, "SIGKILL");
    await ready;
    const second = Number(await ask(sidecar, "pid"));
    assert.notEqual(second, first);
    assert.ok(!isThere(first));
    await until(() => !isThere(grandchild));
    process.kill(second, "SIGKILL");
    await until(() => errors.length === 1);
    assert.deepEqual(statuses, ["restarting", "ready", "restarting", "failed"]);
    assert.match(errors[0]?.message ?? "", /started again 1 times in a minute/);
    await assert.rejects(sidecar.client.connected(), errors[0] as Error);
  });

  test("whose launcher is killed is ready again only with the next program, and is stopped with it", async (t) => {
    const sidecar = await startSidecar(t, { launcher: "shell", how: "never-drains", stopTimeoutMs: 100 });
    const launcher = sidecar.pid as number;
    const program = sidecar.client.peer?.pid as number;
    assert.notEqual(launcher, program);
    const ready = new Promise((resolve) => {
      sidecar.on("status", (status) => status === "ready" && resolve(sidecar.client.peer?.pid));
    });
    process.kill(launcher, "SIGKILL");
    const next = await ready;
    assert.ok(!isThere(program));
    assert.equal(Number(await ask(sidecar, "pid")), next);
    await sidecar.stop();
    await until(() => !isThere(next as number));
  });

  test("that heeds nothing is killed when its start is given up, by Windows' own program for that", async (t) => {
    const pidFile = freshPidFile(t);
    const stopPlanting = plantTaskkill(pidFile);
    const giveUp = new AbortController();
    try {
      const [command, ...args] = commandOf(pidFile, "never-ready");
      const options = { readyTimeoutMs: 60_000, signal: giveUp.signal };
      const refused = assert.rejects(spawnSidecar(command, args, options), { message: "enough" });
      const pid = await pidIn(pidFile);
      giveUp.abort(new Error("enough"));
      await refused;
      assert.ok(!isThere(pid));
    } finally {
      stopPlanting();
    }
    assert.ok(!existsSync(`${pidFile}.planted`), "a program in the working directory was run");
  });

  test("in Go ends when its parent is killed, and when it is asked to", { skip: lacksGo() }, async (t) => {
    const pidFile = freshPidFile(t);
    const [command, ...args] = [buildGoEnd(), "sidecar", pidFile, ""] as const;
    const options = { readyTimeoutMs: 60_000, client: towardsGo };
    await killsParent([command, ...args], { question: "hang", options });
    assert.equal(readFileSync(`${pidFile}.end`, "utf8"), byParent);
    const sidecar = await spawnSidecar(command, args, options);
    const exits = record<Exit>(sidecar, "exit");
    await sidecar.stop("goodbye: é");
    assert.ok(!isThere(sidecar.pid as number));
    assert.equal(readFileSync(`${pidFile}.end`, "utf8"), '{"by":"asked","reason":"goodbye: é"}');
    assert.deepEqual(exits, [{ code: 0, signal: null }]);
  });

  test("of another version, or that ends, is an error, and is gone", async (t) => {
    const pidFile = freshPidFile(t);
    await assert.rejects(startSidecar(t, { expect: { version: "2.0.0" } }), {
      code: "ERR_SIDECAR_MISMATCH",
      message: /version is "1\.0\.0", not "2\.0\.0"/,
    });
    const [command, ...args] = commandOf(pidFile, "exits");
    await assert.rejects(spawnSidecar(command, args), {
      code: "ERR_SIDECAR_ENDED",
      message: /exit code 3 before it was ready; its last words on stderr:\nI have no configuration$/,
    });
    assert.ok(!isThere(await pidIn(pidFile)));
    const missing = join(dirname(pidFile), "missing");
    await assert.rejects(spawnSidecar(missing), {
      code: "ERR_SIDECAR_ENDED",
      message: /cannot be started.*ENOENT/,
    });
  });
});

describe("on every platform, a daemon", { timeout }, () => {
  const pidOf = async (client: Client): Promise<number> => Number(await ask({ client }, "pid"));

  test("is started once, outlives the program that started it, is started again when it is killed, and ends when it is idle", async (t) => {
    const daemon = new TestDaemon(t);
    const log = join(daemon.directory, "log");
    // Longer than a busy machine takes from its start to its first client.
    const command = daemon.command({ idleTimeoutMs: 5_000, resumeWindowMs: 100 });
    const starter = daemon.caller({ log }, command);
    const { pid } = await starter.until(isEvent("ready"));
    const client = await daemon.connect({ log }, command);
    await starter.kill();
    assert.equal(await pidOf(client), pid);
    assert.deepEqual(daemon.started, [pid]);
    process.kill(pid as number, "SIGKILL");
    await until(() => client.status === "reconnecting");
    assert.equal(await pidOf(client), daemon.started[1]);
    await client.close();
    await until(() => daemon.running.length === 0);
    assert.equal(daemon.started.length, 2);
    assert.deepEqual(readFileSync(log, "utf8").trim().split("\n"), [
      "a daemon begins",
      "a daemon begins",
      '{"by":"idle","reason":""}',
    ]);
  });

  test("of another version is refused, or asked to leave and replaced, and one that stays is an error", async (t) => {
    const daemon = new TestDaemon(t);
    const expect = { application: "test-daemon", version: "2.0.0" };
    const newer = daemon.command({ applicationVersion: "2.0.0" });
    const first = await daemon.connect({ restart: false });
    await assert.rejects(daemon.connect({ expect }, newer), { code: "ERR_SIDECAR_MISMATCH" });
    assert.equal(await pidOf(first), daemon.started[0]);
    const replacing = { expect, replace: () => true, restart: false };
    const second = await daemon.connect(replacing, newer);
    assert.equal(await pidOf(second), daemon.started[1]);
    assert.deepEqual(daemon.running, [daemon.started[1]]);
  });

  test("that is given up while it starts is killed", async (t) => {
    const daemon = new TestDaemon(t);
    const giveUp = new AbortController();
    const command = daemon.command({}, "never-ready");
    const refused = assert.rejects(daemon.connect({ signal: giveUp.signal }, command), { message: "enough" });
    await until(() => daemon.started.length === 1);
    giveUp.abort(new Error("enough"));
    await refused;
    await until(() => daemon.running.length === 0);
    await assert.rejects(startClient(daemon.name, { retry: false }), { code: "ERR_CONNECT_FAILED" });
  });
});

/** Puts a program where Windows looks for one of a mere name first. If it is run, it makes a file. */
function plantTaskkill(pidFile: string): () => void {
  if (!onWindows) return () => {};
  const before = process.cwd();
  process.chdir(dirname(pidFile));
  copyFileSync(process.execPath, "taskkill.exe");
  const traitor = join(dirname(pidFile), "traitor.cjs");
  const file = JSON.stringify(`${pidFile}.planted`);
  writeFileSync(traitor, `if (/taskkill/.test(process.execPath)) require("fs").writeFileSync(${file}, "");`);
  process.env["NODE_OPTIONS"] = `--require "${traitor.replaceAll("\\", "/")}"`;
  return () => {
    delete process.env["NODE_OPTIONS"];
    process.chdir(before);
  };
}
