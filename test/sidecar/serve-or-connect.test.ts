import assert from "node:assert/strict";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import { CallerError, startServer } from "sealpipe";
import { serveOrConnect } from "sealpipe/sidecar";
import { startChild } from "../support/children.ts";
import type { LinesProcess } from "../support/lines-process.ts";
import { freshDirectory, freshName } from "../support/names.ts";
import { noProcfs } from "../support/platform.ts";
import { fewRounds, goRound } from "../support/sidecars.ts";

const timeout = Math.max(120_000, fewRounds * 30_000);

const instance = (name: string, options: object = {}): LinesProcess =>
  startChild("daemon-caller", "serveOrConnect", name, JSON.stringify({ timeoutMs: 60_000, ...options }));
const answerOf = (process: LinesProcess) => process.until(({ event }) => event !== "");

describe("serveOrConnect", { timeout, skip: noProcfs }, () => {
  test("serves in the first instance, and connects each further one to it", async () => {
    const name = freshName();
    const first = await serveOrConnect(name, { application: "one", server: { maxConnections: 5 } });
    assert.equal(first.client, undefined);
    first.server?.handle(1, ({ text, connection }) => `${text} from ${connection.peer?.application}`);
    const second = await serveOrConnect(name, { application: "other", client: { offlineQueue: false } });
    assert.equal(second.server, undefined);
    assert.equal((await second.client?.request(1, "hello"))?.text, "hello from other");
    await second.client?.close();
    await first.server?.close();
    assert.ok(!existsSync(`/tmp/${name}.sock`));
  });

  test("has one instance serve of ten that start at the same instant", async (t) => {
    await goRound(t, fewRounds, async () => {
      const name = freshName();
      const instances = Array.from({ length: 10 }, () => instance(name));
      const answers = await Promise.all(instances.map(answerOf));
      assert.equal(answers.filter(({ role }) => role === "server").length, 1);
      assert.equal(answers.filter(({ role }) => role === "client").length, 9);
      assert.equal(new Set(answers.map(({ pid }) => pid)).size, 1);
      await Promise.all(instances.map((started) => started.kill()));
      rmSync(`/tmp/${name}.sock`, { force: true });
    });
  });

  test("serves if the first instance was killed, and if it ends while it is being found", async () => {
    const name = freshName();
    const first = instance(name);
    await answerOf(first);
    await first.kill();
    const ending = await serveOrConnect(name);
    assert.notEqual(ending.server, undefined);
    const [second] = await Promise.all([serveOrConnect(name), ending.server?.close()]);
    await second.client?.close();
    await second.server?.close();
  });

  test("replaces an instance of another version if asked to, and otherwise rejects", async () => {
    const name = freshName();
    const old = instance(name, { application: "app", applicationVersion: "1.0.0" });
    const { pid } = await answerOf(old);
    const options = { application: "app", applicationVersion: "2.0.0", stopTimeoutMs: 2_000 };
    const expect = { application: "app", version: "2.0.0" };
    await assert.rejects(serveOrConnect(name, { ...options, expect }), {
      code: "ERR_SIDECAR_MISMATCH",
      message: 'the first instance\'s version is "1.0.0", not "2.0.0"',
    });
    const found = {};
    const replace = (server: object) => Object.keys(Object.assign(found, server)).length > 0;
    const next = await serveOrConnect(name, { ...options, expect, replace });
    // It does not call allowDescribe.
    assert.deepEqual(found, { application: "app", version: "1.0.0", pid, connections: undefined });
    assert.notEqual(next.server, undefined);
    await next.server?.close();
    await old.kill();
  });

  test("rejects with what keeps it from serving if nothing there can be connected to", async () => {
    const directory = freshDirectory();
    const name = freshName();
    writeFileSync(`${directory}/${name}.sock`, "");
    await assert.rejects(serveOrConnect(name, { directory, timeoutMs: 200 }), {
      code: "ERR_ADDRESS_IN_USE",
      message: /not a socket/,
    });
  });

  test("rejects with the reason of its signal", async () => {
    const directory = freshDirectory();
    const name = freshName();
    writeFileSync(`${directory}/${name}.sock`, "");
    const signal = AbortSignal.timeout(50);
    await assert.rejects(serveOrConnect(name, { directory, signal }), { name: "TimeoutError" });
  });

  test("rejects with what keeps a client out", async () => {
    const name = freshName();
    await using server = await startServer(name, { secret: "one" });
    assert.equal(server.status, "listening");
    await assert.rejects(serveOrConnect(name, { secret: "another" }), { code: "ERR_AUTHENTICATION_FAILED" });
  });

  for (const [what, options] of [
    ["an unknown option", { restarts: 5 }],
    ["an unknown option of the server's", { server: { retry: false } }],
    ["a time of 0", { timeoutMs: 0 }],
    ["a replace that is no function", { replace: true }],
    ["a signal of the client's", { client: { signal: new AbortController().signal } }],
    ["an expectation that is none", { expect: 5 }],
  ] as const) {
    test(`is refused with ${what}`, async () => {
      await assert.rejects(
        serveOrConnect(freshName(), options as object),
        (error) => error instanceof CallerError && error.code === "ERR_INVALID_OPTION",
      );
    });
  }
});
