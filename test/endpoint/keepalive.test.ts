import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { describe, test } from "node:test";
import type { LostSession, SealpipeError, Status } from "sealpipe";
import { exitOf, isEvent, startChild } from "../support/children.ts";
import { clientAt, freshServer } from "../support/endpoints.ts";
import { freshName } from "../support/names.ts";
import { noStopping } from "../support/platform.ts";
import { addressOf } from "../support/raw-peer.ts";
import { nextEvent, record, until } from "../support/waiting.ts";

const short = { keepaliveIntervalMs: 100, keepaliveTimeoutMs: 200 } as const;

describe("keepalive", { timeout: 60_000 }, () => {
  test("finds out that the server is stopped, and the session goes on when that goes on", {
    skip: noStopping,
  }, async (t) => {
    const name = freshName();
    const server = startChild("taker", name);
    t.after(() => rmSync(addressOf(name), { force: true }));
    await server.until(isEvent("listening"));
    const client = await clientAt(t, name, { ...short, handshakeTimeoutMs: 500, maxRetryDelayMs: 100 });
    const lost = record<LostSession>(client, "session-lost");
    await client.write(1, "before");
    assert.equal((await server.until(isEvent("message")))["type"], 1);
    const failed = nextEvent<[SealpipeError]>(client, "error");
    // Deno's `child.kill` sends one signal and no second.
    const signal = (which: NodeJS.Signals): void => {
      const { pid, exitCode, signalCode } = server.child;
      if (pid !== undefined && exitCode === null && signalCode === null) process.kill(pid, which);
    };
    signal("SIGSTOP");
    t.after(() => signal("SIGCONT"));
    const stoppedAt = performance.now();
    await client.write(2, "on its way");
    const answer = client.request(1, "");
    assert.equal((await failed)[0].code, "ERR_KEEPALIVE_TIMEOUT");
    assert.equal(client.status, "reconnecting");
    t.diagnostic(`noticed after ${Math.round(performance.now() - stoppedAt)} ms, by pings of 100 + 200 ms`);
    await client.write(3, "meanwhile");
    const back = nextEvent<[Status]>(client, "status");
    signal("SIGCONT");
    assert.deepEqual(await back, ["connected"]);
    assert.ok(Number((await answer).text) >= 1);
    await client.flush();
    const types = [await server.until(isEvent("message")), await server.until(isEvent("message"))];
    assert.deepEqual(
      types.map(({ type }) => type),
      [2, 3],
    );
    // Each came once, and the session is the same.
    assert.equal((await client.request(1, "")).text, "3");
    assert.deepEqual(lost, []);
  });

  test("finds out that a client is stopped, and its connection waits for it to go on", async (t) => {
    const server = await freshServer(t, short);
    server.handle(1, () => "yes");
    const connected = nextEvent(server, "connection");
    const child = startChild("busy-client", server.name, "1", "1500");
    await connected;
    const [connection] = server.connections;
    assert.ok(connection !== undefined);
    const failed = nextEvent<[SealpipeError]>(connection, "error");
    // Busy, not stopped: to its peer that is the same.
    assert.equal((await failed)[0].code, "ERR_KEEPALIVE_TIMEOUT");
    assert.equal(connection.status, "reconnecting");
    const { answer } = await child.until(isEvent("done"));
    assert.equal(answer, "yes");
    await exitOf(child);
    await until(() => server.connections.length === 0);
    assert.equal(connection.status, "disconnected");
  });

  test("does not blame the peer for an event loop of our own that stood still", async (t) => {
    const server = await freshServer(t);
    server.handle(1, () => "yes");
    const options = JSON.stringify({ keepaliveIntervalMs: 40, keepaliveTimeoutMs: 100 });
    const child = startChild("busy-client", server.name, "8", "400", options);
    const { errors, answer } = await child.until(isEvent("done"));
    assert.deepEqual([errors, answer], [[], "yes"]);
    assert.equal(await exitOf(child), 0);
  });
});
