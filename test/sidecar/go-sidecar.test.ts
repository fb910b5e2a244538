import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { before, describe, type TestContext, test } from "node:test";
import { type Exit, type OutputLine, type Sidecar, type SpawnOptions, spawnSidecar } from "sealpipe/sidecar";
import { buildGoEnd } from "../support/go-end.ts";
import { lacksGo } from "../support/go-peer.ts";
import { LinesProcess } from "../support/lines-process.ts";
import { freshPidFile, isThere, pidIn, rounds, startParent } from "../support/sidecars.ts";
import { record, until } from "../support/waiting.ts";

const timeout = 300_000;

function commandOf(pidFile: string, how = "", launcher?: "shell"): [string, ...string[]] {
  const program = buildGoEnd();
  if (launcher === undefined) return [program, "sidecar", pidFile, how];
  return ["sh", "-c", `"${program}" sidecar "${pidFile}" "${how}"; exit $?`];
}

async function start(t: TestContext, { how = "", ...options }: SpawnOptions & { how?: string } = {}) {
  const [command, ...args] = commandOf(freshPidFile(t), how);
  const sidecar = await spawnSidecar(command, args, {
    readyTimeoutMs: 60_000,
    restartDelayMs: 5,
    ...options,
  });
  t.after(() => sidecar.stop());
  return sidecar;
}

async function ask(sidecar: Sidecar, question: string): Promise<string> {
  return (await sidecar.client.request(1, question)).text;
}

describe("a sidecar in Go", { skip: lacksGo(), timeout }, () => {
  before(() => {
    buildGoEnd();
  });

  test("is connected, authenticated, and known by what it says of itself", async (t) => {
    const sidecar = await start(t, { expect: { application: "test-sidecar", version: "1.0.0" } });
    assert.equal(Number(await ask(sidecar, "pid")), sidecar.pid);
    const { pid, requests } = await sidecar.client.describe();
    assert.deepEqual([pid, requests], [sidecar.pid, [1]]);
    assert.ok(sidecar.client.encrypted);
    for (const file of ["cmdline", "environ"]) {
      assert.ok(!readFileSync(`/proc/${sidecar.pid}/${file}`, "utf8").includes(sidecar.client.name));
    }
  });

  test("ends in order when it is asked to, with the reason, and leaves nothing", async (t) => {
    const sidecar = await start(t);
    const lines = record<OutputLine>(sidecar, "line");
    const exits = record<Exit>(sidecar, "exit");
    const { pid } = sidecar;
    await sidecar.stop("goodbye: é");
    assert.ok(!isThere(pid as number));
    assert.ok(!existsSync(dirname(sidecar.client.address)));
    assert.deepEqual(lines, [{ source: "stdout", text: '{"by":"asked","reason":"goodbye: é"}' }]);
    assert.deepEqual(exits, [{ code: 0, signal: null }]);
  });

  test("ends in order on SIGTERM, and is started again", async (t) => {
    const sidecar = await start(t);
    const lines = record<OutputLine>(sidecar, "line");
    const { pid } = sidecar;
    process.kill(pid as number, "SIGTERM");
    await until(() => lines.length > 0 && sidecar.status === "ready" && sidecar.pid !== pid);
    assert.equal(lines[0]?.text, '{"by":"asked","reason":"SIGTERM"}');
    assert.equal(Number(await ask(sidecar, "pid")), sidecar.pid);
  });

  test("is started again when it ends by itself, in the same directory", async (t) => {
    const sidecar = await start(t);
    const { pid } = sidecar;
    const { address } = sidecar.client;
    const asked = assert.rejects(ask(sidecar, "exit"), { code: "ERR_SESSION_LOST" });
    await until(() => sidecar.pid !== pid && sidecar.status === "ready");
    await asked;
    assert.equal(sidecar.client.address, address);
    assert.equal(Number(await ask(sidecar, "pid")), sidecar.pid);
  });

  test("is killed by a stop if it never finishes what it does at the end", async (t) => {
    const sidecar = await start(t, { how: "never-drains", stopTimeoutMs: 100 });
    const { pid } = sidecar;
    await sidecar.stop();
    assert.ok(!isThere(pid as number));
    assert.ok(!existsSync(dirname(sidecar.client.address)));
  });

  test("that does not start is an error with its last words, or that it is late", async (t) => {
    for (const [how, code, options] of [
      ["exits", "ERR_SIDECAR_ENDED", {}],
      ["never-ready", "ERR_SIDECAR_TIMEOUT", { readyTimeoutMs: 300 }],
    ] as const) {
      const [command, ...args] = commandOf(freshPidFile(t), how);
      await assert.rejects(spawnSidecar(command, args, { readyTimeoutMs: 60_000, ...options }), { code });
    }
  });

  test("prints 10 MB that its parent reads", async (t) => {
    const sidecar = await start(t);
    let bytes = 0;
    sidecar.on("line", ({ text }) => {
      bytes += text.length + 1;
    });
    await ask(sidecar, "talk");
    await until(() => bytes === 10_000_000);
  });

  test("says so if nothing, or something else, is handed over", async (t) => {
    for (const input of ["", "hello\n", "x".repeat(70_000)]) {
      const [command, ...args] = commandOf(freshPidFile(t));
      const child = new LinesProcess(command, args);
      t.after(() => child.kill());
      child.child.stdin?.end(input);
      const [code] = await once(child.child, "close");
      assert.equal(code, 1);
      assert.match(child.stderr, /ERR_NO_PARENT/);
    }
  });
});

describe("a sidecar in Go whose parent is killed ends, and leaves no process, socket or directory", {
  skip: lacksGo(),
  timeout,
}, () => {
  for (const [when, question, how, launcher] of [
    ["at any time", "pid", "", undefined],
    ["with a shell in between", "pid", "", "shell"],
    ["during a request", "hang", "", undefined],
    ["while all its processors are busy", "block", "", undefined],
    ["with a child of its own", "grandchild", "", undefined],
    ["though it never finishes what it does at the end", "pid", "never-drains", undefined],
    ["though that never ends, with a child and a shell", "grandchild", "never-drains", "shell"],
  ] as const) {
    test(when, async (t) => {
      for (let round = 0; round < rounds; round++) {
        const pidFile = freshPidFile(t);
        const parent = startParent(commandOf(pidFile, how, launcher), { question });
        const { pids, answer, address } = await parent.until(({ event }) => event === "ready");
        const processes = [...(pids as number[]), ...(question === "grandchild" ? [Number(answer)] : [])];
        for (const pid of processes) assert.ok(isThere(pid), `${pid} runs`);
        assert.ok(existsSync(address as string));
        parent.child.kill("SIGKILL");
        await once(parent.child, "close");
        await until(() => !processes.some(isThere));
        await until(() => !existsSync(dirname(address as string)));
        // It had its time to drain, whatever else it was busy with.
        assert.equal(readFileSync(`${pidFile}.end`, "utf8"), '{"by":"parent","reason":""}');
      }
      t.diagnostic(`${rounds} rounds, nothing was left`);
    });
  }

  test("while it starts", async (t) => {
    for (let round = 0; round < rounds; round++) {
      const pidFile = freshPidFile(t);
      const parent = startParent(commandOf(pidFile));
      const pid = await pidIn(pidFile);
      parent.child.kill("SIGKILL");
      await once(parent.child, "close");
      await until(() => !isThere(pid));
    }
    t.diagnostic(`${rounds} rounds, nothing was left`);
  });
});
