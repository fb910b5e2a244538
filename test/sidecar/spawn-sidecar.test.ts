import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, test } from "node:test";
import { CallerError, PeerError, type SealpipeError, SystemError } from "sealpipe";
import { type Exit, type OutputLine, type Sidecar, type SpawnOptions, spawnSidecar } from "sealpipe/sidecar";
import { exitOf, isEvent, startChild } from "../support/children.ts";
import { noProcfs } from "../support/platform.ts";
import {
  commandOf,
  fewRounds,
  freshPidFile,
  goRound,
  isThere,
  pidIn,
  rounds,
  startParent,
  startSidecar,
} from "../support/sidecars.ts";
import { thorough } from "../support/thorough.ts";
import { record, until } from "../support/waiting.ts";

const timeout = Math.max(120_000, rounds * 30_000);

async function ask(sidecar: Sidecar, question: string): Promise<string> {
  return (await sidecar.client.request(1, question)).text;
}

async function spawned(pidFile: string, how: string, options: SpawnOptions): Promise<SealpipeError> {
  const [command, ...args] = commandOf(pidFile, how);
  const error = await spawnSidecar(command, args, options).then(
    () => assert.fail("it was started"),
    (reason: SealpipeError) => reason,
  );
  return error;
}

describe("a sidecar", { timeout, skip: noProcfs }, () => {
  test("is connected, authenticated, and known by what it says of itself", async (t) => {
    const expect = { application: "test-sidecar", version: "1.0.0" };
    const sidecar = await startSidecar(t, { expect });
    assert.equal(sidecar.status, "ready");
    assert.equal(Number(await ask(sidecar, "pid")), sidecar.pid);
    assert.equal((await sidecar.client.describe()).pid, sidecar.pid);
    assert.ok(sidecar.client.encrypted);
  });

  test("has neither its channel nor its secret in its arguments or its environment", async (t) => {
    const sidecar = await startSidecar(t);
    const { client, pid } = sidecar;
    const [words, environment] = ["cmdline", "environ"].map((file) =>
      readFileSync(`/proc/${pid}/${file}`, "utf8").split("\0").slice(0, -1),
    ) as [string[], string[]];
    // No more than was given, so there is no room for a secret.
    assert.deepEqual(words.slice(0, 2), [process.execPath, words[1]]);
    assert.equal(words.length, 4);
    const own = Object.entries(process.env).map(([name, value]) => `${name}=${value}`);
    assert.deepEqual(environment.toSorted(), own.toSorted());
    assert.ok(![...words, ...environment].some((text) => text.includes(client.name)));
    assert.ok(existsSync(client.address));
  });

  test("ends in order when it is asked to, with the reason, and leaves nothing", async (t) => {
    const sidecar = await startSidecar(t);
    const lines = record<OutputLine>(sidecar, "line");
    const statuses = record(sidecar, "status");
    const exits = record<Exit>(sidecar, "exit");
    const { pid } = sidecar;
    await Promise.all([sidecar.stop("goodbye"), sidecar.stop("again")]);
    assert.ok(!isThere(pid as number));
    assert.ok(!existsSync(dirname(sidecar.client.address)));
    assert.deepEqual(lines, [{ source: "stdout", text: '{"by":"asked","reason":"goodbye"}' }]);
    assert.deepEqual(exits, [{ code: 0, signal: null }]);
    assert.deepEqual(statuses, ["stopping", "stopped"]);
    assert.equal(sidecar.client.status, "closed");
  });

  for (const [what, question, how] of [
    ["never finishes what it does at the end", "pid", "never-drains"],
    ["has a blocked event loop", "block", ""],
  ] as const) {
    test(`is killed by a stop if it ${what}`, async (t) => {
      const sidecar = await startSidecar(t, { how, stopTimeoutMs: 100 });
      await ask(sidecar, question);
      const { pid } = sidecar;
      await sidecar.stop();
      assert.ok(!isThere(pid as number));
      assert.ok(!existsSync(dirname(sidecar.client.address)));
    });
  }

  test("is stopped with all that it has started, also behind a shell", async (t) => {
    const sidecar = await startSidecar(t, { launcher: "shell" });
    const pids = [
      sidecar.pid as number,
      Number(await ask(sidecar, "pid")),
      Number(await ask(sidecar, "grandchild")),
    ];
    assert.equal(new Set(pids).size, 3);
    await sidecar.stop();
    await until(() => !pids.some(isThere));
  });

  test("may print as much as it likes, whether anybody reads it or not", async (t) => {
    const sidecar = await startSidecar(t);
    const printed = thorough ? 1_000_000_000 : 200_000_000;
    // A hundred megabytes at a time.
    for (let total = 0; total < printed; total += 200_000_000) {
      let bytes = 0;
      sidecar.on("line", ({ text }) => {
        bytes += text.length + 1;
      });
      await ask(sidecar, "talk");
      await until(() => bytes >= 100_000_000);
      sidecar.removeAllListeners("line");
      await ask(sidecar, "talk");
    }
    await ask(sidecar, "pid");
    t.diagnostic(`${printed} bytes`);
  });
});

describe("a sidecar that ends by itself", { timeout, skip: noProcfs }, () => {
  test("is started again, and the client goes on", async (t) => {
    const sidecar = await startSidecar(t, { maxRestarts: 20 });
    const statuses = record(sidecar, "status");
    const pids = new Set<number>();
    for (let round = 0; round < 5; round++) {
      const pid = Number(await ask(sidecar, "pid"));
      pids.add(pid);
      const exited = once(sidecar, "exit") as Promise<[Exit]>;
      if (round % 2 === 0) process.kill(pid, "SIGKILL");
      else await ask(sidecar, "exit").catch(({ code }) => assert.equal(code, "ERR_SESSION_LOST"));
      const [exit] = await exited;
      assert.deepEqual(exit, round % 2 === 0 ? { code: null, signal: "SIGKILL" } : { code: 7, signal: null });
      await until(() => sidecar.status === "ready");
    }
    assert.equal(pids.size, 5);
    assert.equal(statuses.filter((status) => status === "restarting").length, 5);
  });

  test("leaves no process that it had started itself", async (t) => {
    const sidecar = await startSidecar(t, { maxRestarts: 1_000 });
    for (let round = 0; round < rounds; round++) {
      const { pid } = sidecar;
      const grandchild = Number(await ask(sidecar, "grandchild"));
      assert.ok(isThere(grandchild));
      const exited = once(sidecar, "exit");
      process.kill(pid as number, "SIGKILL");
      await exited;
      await until(() => !isThere(grandchild) && sidecar.status === "ready");
      assert.notEqual(sidecar.pid, pid);
    }
    t.diagnostic(`${rounds} rounds, nothing was left`);
  });

  test("has failed once it has done so too often", async (t) => {
    const sidecar = await startSidecar(t, { maxRestarts: 2 });
    const errors = record<Error>(sidecar, "error");
    for (let round = 0; round < 3; round++) {
      await until(() => sidecar.status === "ready");
      process.kill(Number(await ask(sidecar, "pid")), "SIGKILL");
      await until(() => sidecar.status !== "ready");
    }
    await until(() => errors.length === 1);
    assert.equal(sidecar.status, "failed");
    assert.equal((errors[0] as SystemError).code, "ERR_SIDECAR_ENDED");
    assert.match(errors[0]?.message ?? "", /was ended by SIGKILL, and was started again 2 times in a minute/);
    await assert.rejects(sidecar.client.connected(), errors[0] as Error);
    assert.ok(!existsSync(dirname(sidecar.client.address)));
    await sidecar.stop();
    assert.equal(sidecar.status, "failed");
  });

  test("has failed at once if it is not to be started again", async (t) => {
    const sidecar = await startSidecar(t, { restart: false });
    process.kill(sidecar.pid as number, "SIGKILL");
    await until(() => sidecar.status === "failed");
  });
});

test("a sidecar whose launcher is killed ends, and it is ready again only with the next program", {
  timeout,
  skip: noProcfs,
}, async (t) => {
  // Left to itself, the program would go on for a while.
  const sidecar = await startSidecar(t, { launcher: "shell", how: "never-drains", maxRestarts: 1_000 });
  for (let round = 0; round < rounds; round++) {
    const { pid: launcher } = sidecar;
    const program = sidecar.client.peer?.pid as number;
    assert.notEqual(launcher, program);
    const again = new Promise<number | undefined>((resolve) => {
      sidecar.on("status", (status) => status === "ready" && resolve(sidecar.client.peer?.pid));
    });
    process.kill(launcher as number, "SIGKILL");
    const next = await again;
    sidecar.removeAllListeners("status");
    assert.ok(next !== undefined && next !== program, "it is ready with another program");
    assert.ok(!isThere(program));
    assert.equal(Number(await ask(sidecar, "pid")), next);
  }
  t.diagnostic(`${rounds} rounds, nothing was left`);
});

test("two parents of the same program have a sidecar each, and the end of one does not harm the other", {
  timeout,
  skip: noProcfs,
}, async (t) => {
  const command = commandOf(freshPidFile(t));
  for (let round = 0; round < rounds; round++) {
    const parents = [startParent(command), startParent(command)] as const;
    const [one, other] = await Promise.all(parents.map((parent) => parent.until(isEvent("ready"))));
    const [ones, others] = [one?.["pids"], other?.["pids"]] as [number[], number[]];
    assert.notEqual(one?.["address"], other?.["address"]);
    parents[0].child.kill("SIGKILL");
    await until(() => !ones.some(isThere));
    assert.ok(others.every(isThere));
    parents[1].child.kill("SIGKILL");
    await until(() => !others.some(isThere));
  }
  t.diagnostic(`${rounds} rounds, nothing was left`);
});

test("a listener that throws is an uncaught exception, and the sidecar is started again all the same", {
  timeout,
  skip: noProcfs,
}, async (t) => {
  const parent = startChild("sidecar-listener", ...commandOf(freshPidFile(t)));
  assert.equal((await parent.until(isEvent("thrown")))["message"], "a listener's");
  await parent.until(isEvent("stopped"));
  assert.equal(await exitOf(parent), 0);
});

describe("a sidecar that does not come to be", { timeout, skip: noProcfs }, () => {
  test("says how its program ended, with its last words", async (t) => {
    const error = await spawned(freshPidFile(t), "exits", {});
    assert.ok(error instanceof SystemError && error.code === "ERR_SIDECAR_ENDED");
    assert.match(
      error.message,
      /ended with the exit code 3 before it was ready; its last words on stderr:\nI have no configuration$/,
    );
  });

  test("says that it was not ready in time, and is gone", async (t) => {
    const pidFile = freshPidFile(t);
    const error = await spawned(pidFile, "never-ready", { readyTimeoutMs: 300 });
    assert.equal(error.code, "ERR_SIDECAR_TIMEOUT");
    await until(() => !existsSync(pidFile) || !isThere(Number(readFileSync(pidFile, "utf8"))));
  });

  test("is killed when its signal aborts", async (t) => {
    const pidFile = freshPidFile(t);
    const controller = new AbortController();
    const starting = spawned(pidFile, "never-ready", { signal: controller.signal });
    const pid = await pidIn(pidFile);
    controller.abort(new Error("enough"));
    assert.equal((await starting).message, "enough");
    await until(() => !isThere(pid));
  });

  test("is killed by a signal of another realm, too", async (t) => {
    const pidFile = freshPidFile(t);
    const foreign = new EventTarget() as AbortSignal & { aborted: boolean; reason: unknown };
    Object.assign(foreign, { aborted: false, reason: new Error("enough") });
    const starting = spawned(pidFile, "never-ready", { signal: foreign });
    const pid = await pidIn(pidFile);
    foreign.dispatchEvent(new Event("abort"));
    assert.equal((await starting).message, "enough");
    await until(() => !isThere(pid));
  });

  test("says which application and version it found", async (t) => {
    await goRound(t, fewRounds, async (round) => {
      const pidFile = freshPidFile(round);
      const before = process.env["TMPDIR"];
      process.env["TMPDIR"] = dirname(pidFile);
      const starting = spawned(pidFile, "", { expect: { version: "2.0.0" } });
      if (before === undefined) delete process.env["TMPDIR"];
      else process.env["TMPDIR"] = before;
      const error = await starting;
      assert.ok(error instanceof PeerError && error.code === "ERR_SIDECAR_MISMATCH");
      assert.match(error.message, /version is "1\.0\.0", not "2\.0\.0"/);
      assert.deepEqual(readdirSync(dirname(pidFile)), ["pid"], "its directory is gone");
    });
  });

  test("is refused for a command or arguments that are no text", async () => {
    for (const [command, args] of [
      ["", []],
      [5, []],
      ["true", "a"],
      ["true", [5]],
      ["true", ["a\0b"]],
    ]) {
      const started = spawnSidecar(command as string, args as string[]);
      await assert.rejects(started, { code: "ERR_INVALID_ARGUMENT" });
    }
  });

  test("says that there is no such program", async () => {
    await assert.rejects(spawnSidecar("/no/such/program"), {
      code: "ERR_SIDECAR_ENDED",
      message: /cannot be started.*ENOENT/,
    });
  });

  for (const [what, options] of [
    ["an unknown option", { restarts: 5 }],
    ["a time of 0", { readyTimeoutMs: 0 }],
    ["a number of restarts that is none", { maxRestarts: -1 }],
    ["a secret of the client's", { client: { secret: "a" } }],
    ["restart as a number", { restart: 1 }],
    ["an expectation that is none", { expect: { name: "a" } }],
    ["a version that is no string", { expect: { version: 2 } }],
    ["a signal that is none", { signal: {} }],
  ] as const) {
    test(`is refused with ${what}`, async () => {
      await assert.rejects(
        spawnSidecar("true", [], options as object),
        (error) => error instanceof CallerError && error.code === "ERR_INVALID_OPTION",
      );
    });
  }
});
