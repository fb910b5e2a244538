import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, statSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { CallerError, type Client, startClient, startServer } from "sealpipe";
import { connectOrSpawn, type FoundServer, daemon as serve } from "sealpipe/sidecar";
import { isEvent } from "../support/children.ts";
import { TestDaemon } from "../support/daemons.ts";
import { freshName } from "../support/names.ts";
import { noProcfs } from "../support/platform.ts";
import { fewRounds, goRound, isThere } from "../support/sidecars.ts";
import { until } from "../support/waiting.ts";

const timeout = Math.max(300_000, fewRounds * 60_000);

const pidOf = async (client: Client): Promise<number> => Number((await client.request(1, "pid")).text);
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "none",
    ({ code }) => code,
  );

describe("a daemon that several programs share", { timeout, skip: noProcfs }, () => {
  test("is started once, outlives the program that started it, and is gone once it is idle", async (t) => {
    const daemon = new TestDaemon(t);
    const command = daemon.command({ idleTimeoutMs: 2_000, resumeWindowMs: 100 });
    const first = daemon.caller({}, command);
    const { pid } = await first.until(isEvent("ready"));
    const client = await daemon.connect({}, command);
    assert.equal(await pidOf(client), pid);
    first.child.kill("SIGKILL");
    await once(first.child, "close");
    assert.equal(await pidOf(client), pid);
    assert.deepEqual(daemon.started, [pid]);
    await client.close();
    await until(() => daemon.running.length === 0);
    assert.ok(!existsSync(client.address));
    assert.ok(!existsSync(`/tmp/${daemon.name}.start.sock`));
  });

  test("is started exactly once by ten programs at the same instant", async (t) => {
    await goRound(t, fewRounds, async (round) => {
      const daemon = new TestDaemon(round);
      const callers = Array.from({ length: 10 }, () => daemon.caller());
      const answers = await Promise.all(callers.map((caller) => caller.until(({ event }) => event !== "")));
      assert.deepEqual(
        answers,
        answers.map(() => ({ event: "ready", pid: daemon.started[0] })),
      );
      assert.equal(daemon.started.length, 1);
    });
  });

  test("is started by the next program if the first is killed while it starts it", async (t) => {
    await goRound(t, fewRounds, async (round) => {
      const daemon = new TestDaemon(round);
      const first = daemon.caller({}, daemon.command({}, "never-ready"));
      await until(() => daemon.started.length === 1);
      const second = daemon.caller();
      await until(() => existsSync(`/tmp/${daemon.name}.start.sock`));
      assert.equal(daemon.started.length, 1, "the second waits for the first");
      await first.kill();
      const { pid } = await second.until(isEvent("ready"));
      assert.deepEqual(daemon.started.slice(1), [pid]);
    });
  });

  test("is started anew if the last one was killed and has left its socket", async (t) => {
    await goRound(t, fewRounds, async (round) => {
      const daemon = new TestDaemon(round);
      const client = await daemon.connect();
      const pid = await pidOf(client);
      await client.close();
      process.kill(pid, "SIGKILL");
      await until(() => !isThere(pid));
      assert.ok(existsSync(client.address), "its socket is left");
      assert.notEqual(await pidOf(await daemon.connect()), pid);
    });
  });

  test("is started anew if it dies at the moment when it is found", async (t) => {
    const daemon = new TestDaemon(t);
    const dying = await daemon.connect().then(async (client) => {
      const [pid] = [await pidOf(client), await client.close()];
      process.kill(pid, "SIGKILL");
      await until(() => !isThere(pid));
      return pid;
    });
    const [command, ...args] = daemon.command({}, "dies-when-found");
    unlinkSync(`/tmp/${daemon.name}.sock`);
    spawn(command, args, { stdio: "ignore" });
    await until(() => existsSync(`/tmp/${daemon.name}.sock`));
    const client = await daemon.connect();
    assert.equal(await pidOf(client), daemon.started[2]);
    assert.notEqual(client.peer?.pid, dying);
  });

  test("is started again when it ends while a client is open, and the client goes on", async (t) => {
    await goRound(t, fewRounds, async (round) => {
      const daemon = new TestDaemon(round);
      const client = await daemon.connect({ maxRestarts: 20 });
      for (let ends = 0; ends < 3; ends++) {
        const pid = await pidOf(client);
        process.kill(pid, "SIGKILL");
        await until(() => client.status === "reconnecting");
        assert.notEqual(await pidOf(client), pid);
      }
      assert.equal(daemon.started.length, 4);
      assert.equal(daemon.running.length, 1);
    });
  });

  test("is started once by all whose clients lose it", async (t) => {
    await goRound(t, fewRounds, async (round) => {
      const daemon = new TestDaemon(round);
      const clients = await Promise.all([1, 2, 3].map(() => daemon.connect()));
      assert.equal(daemon.started.length, 1);
      process.kill(daemon.started[0] as number, "SIGKILL");
      await until(() => clients.every(({ status }) => status === "reconnecting"));
      const pids = await Promise.all(clients.map(pidOf));
      assert.deepEqual(
        pids,
        pids.map(() => daemon.started[1]),
      );
      assert.equal(daemon.started.length, 2);
    });
  });

  test("is given up once it has ended too often, and the client ends", async (t) => {
    const daemon = new TestDaemon(t);
    const client = await daemon.connect({ maxRestarts: 1 });
    for (let round = 0; round < 2; round++) {
      process.kill(await pidOf(client), "SIGKILL");
      await until(() => client.status !== "connected");
      if (round === 0) await client.connected();
    }
    const waiting = client.request(1, "pid");
    await assert.rejects(waiting, { code: "ERR_SIDECAR_ENDED", message: /was started again 1 times/ });
    assert.equal(client.status, "error");
    assert.equal(daemon.started.length, 2);
  });

  test("is left to others with restart: false", async (t) => {
    const daemon = new TestDaemon(t);
    const client = await daemon.connect({ restart: false });
    process.kill(await pidOf(client), "SIGKILL");
    await until(() => client.status === "reconnecting");
    await once(client, "retrying");
    await once(client, "retrying");
    assert.equal(daemon.started.length, 1);
  });
});

describe("a daemon of another version", { timeout, skip: noProcfs }, () => {
  const expect = { application: "test-daemon", version: "2.0.0" };
  const old = { application: "test-daemon", version: "1.0.0" };

  test("is refused, and nothing happens to it", async (t) => {
    const daemon = new TestDaemon(t);
    const client = await daemon.connect({ expect: old });
    const newer = daemon.command({ applicationVersion: "2.0.0" });
    await assert.rejects(daemon.connect({ expect }, newer), {
      code: "ERR_SIDECAR_MISMATCH",
      message: 'the daemon\'s version is "1.0.0", not "2.0.0"',
    });
    assert.equal(
      await codeOf(daemon.connect({ expect, replace: () => false }, newer)),
      "ERR_SIDECAR_MISMATCH",
    );
    assert.equal(await pidOf(client), daemon.started[0]);
    assert.equal(daemon.started.length, 1);
  });

  test("is replaced in order although clients are connected, which end if they expect the old one", async (t) => {
    const daemon = new TestDaemon(t);
    const log = join(daemon.directory, "log");
    const client = await daemon.connect({ expect: old, log });
    const indifferent = await daemon.connect();
    const found: FoundServer[] = [];
    const replace = (server: FoundServer) => found.push(server) > 0;
    const newer = await daemon.connect({ expect, replace }, daemon.command({ applicationVersion: "2.0.0" }));
    assert.deepEqual(found.at(-1), { ...old, pid: daemon.started[0], connections: 3 });
    assert.equal(newer.peer?.applicationVersion, "2.0.0");
    assert.deepEqual(daemon.running, [daemon.started[1]]);
    assert.equal(await pidOf(indifferent), daemon.started[1]);
    await until(() => client.status === "error");
    await assert.rejects(client.connected(), { code: "ERR_SIDECAR_MISMATCH" });
    const said = readFileSync(log, "utf8").trim().split("\n");
    assert.deepEqual(said, ["a daemon begins", '{"by":"asked","reason":"replaced by another version"}']);
    assert.equal(daemon.started.length, 2);
  });

  test("is replaced exactly once by programs that do so at the same instant", async (t) => {
    await goRound(t, fewRounds, async (round) => {
      const daemon = new TestDaemon(round);
      await daemon.connect({ restart: false });
      const newer = daemon.command({ applicationVersion: "2.0.0" });
      const clients = await Promise.all(
        [1, 2, 3, 4].map(() => daemon.connect({ expect, replace: () => true }, newer)),
      );
      for (const client of clients) assert.equal(await pidOf(client), daemon.started[1]);
      assert.equal(daemon.started.length, 2);
    });
  });

  for (const [how, what] of [
    ["stays", "agrees to leave, and does not"],
    ["refuses", "does not agree to leave"],
    ["never-drains", "never finishes what it does at the end"],
  ] as const) {
    test(`is ended by signals if it ${what}`, async (t) => {
      const daemon = new TestDaemon(t);
      const stubborn = daemon.command({ drainTimeoutMs: 60_000 }, how);
      await daemon.connect({ restart: false }, stubborn);
      const client = await daemon.connect(
        { expect, replace: () => true, stopTimeoutMs: 200 },
        daemon.command({ applicationVersion: "2.0.0" }),
      );
      assert.equal(await pidOf(client), daemon.started[1]);
      assert.deepEqual(daemon.running, [daemon.started[1]]);
    });
  }

  test("gets no signal if nothing proves that the process it names is the server's", async (t) => {
    const daemon = new TestDaemon(t);
    const bystander = spawn("sleep", ["1000"], { stdio: "ignore" });
    t.after(() => bystander.kill());
    const { pid } = bystander;
    await daemon.connect({ restart: false }, daemon.command({}, `lies${pid}`));
    const newer = daemon.command({ applicationVersion: "2.0.0" });
    const replaced = daemon.connect({ expect, replace: () => true, stopTimeoutMs: 200 }, newer);
    await assert.rejects(replaced, {
      code: "ERR_DAEMON_STAYS",
      message: new RegExp(`says that it is the process ${pid}, does not leave`),
    });
    assert.ok(isThere(pid as number));
    assert.equal(bystander.signalCode, null);
    assert.deepEqual(daemon.running, daemon.started.slice(0, 1));
  });

  test("gets no signal if it is in this very process", async (t) => {
    const daemon = new TestDaemon(t);
    await using server = await startServer(daemon.name, { application: "test-daemon" });
    const newer = daemon.command({ applicationVersion: "2.0.0" });
    const replaced = daemon.connect({ expect, replace: () => true, stopTimeoutMs: 200 }, newer);
    await assert.rejects(replaced, { code: "ERR_DAEMON_STAYS" });
    assert.equal(server.status, "listening");
    assert.equal(daemon.started.length, 0);
  });

  test("is never replaced if it is another application", async (t) => {
    const daemon = new TestDaemon(t);
    const client = await daemon.connect();
    const other = { expect: { application: "another" }, replace: () => assert.fail("asked") };
    assert.equal(await codeOf(daemon.connect(other)), "ERR_SIDECAR_MISMATCH");
    assert.equal(await pidOf(client), daemon.started[0]);
  });

  test("that was just started is killed", async (t) => {
    const daemon = new TestDaemon(t);
    assert.equal(await codeOf(daemon.connect({ expect })), "ERR_SIDECAR_MISMATCH");
    await until(() => daemon.started.length === 1 && daemon.running.length === 0);
  });
});

describe("a daemon that does not come to be", { timeout, skip: noProcfs }, () => {
  test("says how its program ended, and its log what that printed", async (t) => {
    const daemon = new TestDaemon(t);
    const log = join(daemon.directory, "log");
    await assert.rejects(daemon.connect({ log }, daemon.command({}, "exits")), {
      code: "ERR_SIDECAR_ENDED",
      message: `the daemon ended with the exit code 3 before it was ready; what it printed is in ${log}`,
    });
    assert.equal(readFileSync(log, "utf8"), "a daemon begins\nI have no configuration\n");
    assert.equal(statSync(log).mode & 0o777, 0o600);
    assert.ok(!existsSync(`/tmp/${daemon.name}.start.sock`));
  });

  test("is killed if it is not ready in time", async (t) => {
    const daemon = new TestDaemon(t);
    const late = daemon.connect({ readyTimeoutMs: 1_500 }, daemon.command({}, "never-ready"));
    await assert.rejects(late, {
      code: "ERR_SIDECAR_TIMEOUT",
      message: /not ready within 1500 ms: .*no server/,
    });
    await until(() => daemon.running.length === 0);
  });

  test("is killed when the signal aborts", async (t) => {
    const daemon = new TestDaemon(t);
    const controller = new AbortController();
    const starting = daemon.connect({ signal: controller.signal }, daemon.command({}, "never-ready"));
    await until(() => daemon.started.length === 1);
    controller.abort(new Error("enough"));
    await assert.rejects(starting, { message: "enough" });
    await until(() => daemon.running.length === 0);
  });

  test("says so if a server is there and does not answer", async (t) => {
    const daemon = new TestDaemon(t);
    const client = await daemon.connect({ restart: false });
    const pid = await pidOf(client);
    process.kill(pid, "SIGSTOP");
    const waiting = daemon.connect({ readyTimeoutMs: 3_000, client: { handshakeTimeoutMs: 100 } });
    await assert.rejects(waiting, { code: "ERR_SIDECAR_TIMEOUT", message: /said nothing/ });
    assert.equal(daemon.started.length, 1);
    process.kill(pid, "SIGCONT");
  });

  test("writes no log through a symbolic link", async (t) => {
    const daemon = new TestDaemon(t);
    const [log, target] = [join(daemon.directory, "log"), join(daemon.directory, "target")];
    writeFileSync(target, "");
    symlinkSync(target, log);
    assert.equal(await codeOf(daemon.connect({ log })), "ELOOP");
    assert.equal(readFileSync(target, "utf8"), "");
  });

  test("says that there is no such program", async () => {
    await assert.rejects(connectOrSpawn(freshName(), "/no/such/program"), {
      code: "ERR_SIDECAR_ENDED",
      message: /the daemon cannot be started.*ENOENT/,
    });
  });

  for (const [what, options] of [
    ["an unknown option", { stdin: "a" }],
    ["options that are none", null],
    ["a log that is no absolute path", { log: "log" }],
    ["a time of 0", { stopTimeoutMs: 0 }],
    ["a replace that is no function", { replace: true }],
    ["an expectation that is none", { expect: { name: "a" } }],
    ["a signal of the client's", { client: { signal: new AbortController().signal } }],
    ["a signal that is none", { signal: {} }],
    ["restart as a number", { restart: 1 }],
  ] as const) {
    test(`is refused with ${what}`, async () => {
      const refused = connectOrSpawn(freshName(), "true", [], options as object);
      await assert.rejects(refused, (e) => e instanceof CallerError && e.code === "ERR_INVALID_OPTION");
    });
  }
});

describe("daemon()", { timeout, skip: noProcfs }, () => {
  for (const [what, act, why] of [
    [
      "a client asks for it",
      (client: Client) => client.shutdownServer("goodbye"),
      { by: "asked", reason: "goodbye" },
    ],
    [
      "it gets SIGTERM",
      ({ peer }: Client) => process.kill(peer?.pid ?? 0, "SIGTERM"),
      { by: "asked", reason: "SIGTERM" },
    ],
    ["it has no client any more", (client: Client) => client.close(), { by: "idle", reason: "" }],
  ] as const) {
    test(`ends in order when ${what}`, async (t) => {
      const daemon = new TestDaemon(t);
      const log = join(daemon.directory, "log");
      const command = daemon.command({ idleTimeoutMs: why.by === "idle" ? 2_000 : 0 });
      const client = await daemon.connect({ log, restart: false }, command);
      await act(client);
      await until(() => daemon.running.length === 0);
      const said = readFileSync(log, "utf8").trim().split("\n");
      assert.deepEqual(said.slice(1), [JSON.stringify(why)]);
      assert.ok(!existsSync(client.address));
    });
  }

  test("ends if no client ever comes, and though its end takes too long", async (t) => {
    const daemon = new TestDaemon(t);
    const command = daemon.command({ idleTimeoutMs: 50, drainTimeoutMs: 50 }, "never-drains");
    const [program, ...args] = command;
    const [code] = await once(spawn(program, args, { stdio: "ignore" }), "close");
    assert.equal(code, 1);
  });

  test("is refused if there is one already, and with options that are none", async (t) => {
    const daemon = new TestDaemon(t);
    await daemon.connect();
    assert.equal(await codeOf(serve(daemon.name)), "ERR_ADDRESS_IN_USE");
    for (const options of [{ idleTimeoutMs: -1 }, { drainTimeoutMs: 0 }, { onEnd: 1 }, { idle: 1 }]) {
      assert.equal(await codeOf(serve(freshName(), options as object)), "ERR_INVALID_OPTION");
    }
    assert.equal(await codeOf(startClient(daemon.name, { retry: false }).then((c) => c.close())), "none");
  });
});
