import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { before, describe, type TestContext, test } from "node:test";
import { type Exit, type OutputLine, type Sidecar, type SpawnOptions, spawnSidecar } from "sealpipe/sidecar";
import { LinesProcess } from "./lines-process.ts";
import { freshPidFile, isThere, killsParent, killsParentWhileItStarts } from "./sidecars.ts";
import { thorough } from "./thorough.ts";
import { record, until } from "./waiting.ts";

/** Of a suite, with all of its tests. */
const timeout = thorough ? 3_000_000 : 300_000;

/** A sidecar of another library: the same program as `children/sidecar-child.ts`. */
export interface OtherSidecar {
  /** The library's name, and what else tells it from others. */
  readonly name: string;
  /** What node:test takes as `skip`. */
  readonly skip: string | false;
  prepare(): void;
  /** The program and its arguments: a file for its process id, and how it misbehaves. */
  command(pidFile: string, how: string): readonly [string, ...string[]];
  /** What takes the place of a blocked event loop. */
  readonly whileBlocked: string;
  /** How often each of the tests that kill goes round. */
  readonly rounds: number;
  /** Whether it does what it has to at its end even then. */
  readonly drainsWhileBlocked: boolean;
}

async function ask(sidecar: Sidecar, question: string): Promise<string> {
  return (await sidecar.client.request(1, question)).text;
}

/** Tries it as the parent's own library does with its own. */
export function testSidecarOf(other: OtherSidecar): void {
  testChild(other);
  testOrphans(other);
}

function testChild(other: OtherSidecar): void {
  const { name, skip } = other;

  async function start(t: TestContext, { how = "", ...options }: SpawnOptions & { how?: string } = {}) {
    const [command, ...args] = other.command(freshPidFile(t), how);
    const sidecar = await spawnSidecar(command, args, {
      readyTimeoutMs: 60_000,
      restartDelayMs: 5,
      ...options,
    });
    t.after(() => sidecar.stop());
    return sidecar;
  }

  describe(`a sidecar in ${name}`, { skip, timeout }, () => {
    before(() => other.prepare());

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
        const [command, ...args] = other.command(freshPidFile(t), how);
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
        const [command, ...args] = other.command(freshPidFile(t), "");
        const child = new LinesProcess(command, args);
        t.after(() => child.kill());
        child.child.stdin?.end(input);
        const [code] = await once(child.child, "close");
        assert.equal(code, 1);
        assert.match(child.stderr, /ERR_NO_PARENT/);
      }
    });
  });
}

function testOrphans(other: OtherSidecar): void {
  const { name, skip, rounds } = other;

  /** With something after it, so that the shell does not become the program. */
  function commandOf(pidFile: string, how: string, launcher: "shell" | undefined): readonly string[] {
    const command = other.command(pidFile, how);
    if (launcher === undefined) return command;
    return ["sh", "-c", `${command.map((word) => `"${word}"`).join(" ")}; exit $?`];
  }

  describe(`a sidecar in ${name} whose parent is killed ends, and leaves no process, socket or directory`, {
    skip,
    timeout,
  }, () => {
    before(() => other.prepare());

    for (const [when, question, how, launcher] of [
      ["at any time", "pid", "", undefined],
      ["with a shell in between", "pid", "", "shell"],
      ["during a request", "hang", "", undefined],
      [other.whileBlocked, "block", other.drainsWhileBlocked ? "" : "blocks", undefined],
      ["with a child of its own", "grandchild", "", undefined],
      ["though it never finishes what it does at the end", "pid", "never-drains", undefined],
      ["though that never ends, with a child and a shell", "grandchild", "never-drains", "shell"],
    ] as const) {
      test(when, async (t) => {
        for (let round = 0; round < rounds; round++) {
          const pidFile = freshPidFile(t);
          await killsParent(commandOf(pidFile, how, launcher), { question });
          // It had its time to drain.
          if (how === "") assert.equal(readFileSync(`${pidFile}.end`, "utf8"), '{"by":"parent","reason":""}');
        }
        t.diagnostic(`${rounds} rounds, nothing was left`);
      });
    }

    test("while it starts", async (t) => {
      for (let round = 0; round < rounds; round++) {
        const pidFile = freshPidFile(t);
        await killsParentWhileItStarts(other.command(pidFile, ""), pidFile);
      }
      t.diagnostic(`${rounds} rounds, nothing was left`);
    });
  });
}
