import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SealpipeError } from "sealpipe";
import { freshServer } from "../support/endpoints.ts";
import { connectThroughRelay } from "../support/relay.ts";
import { nextEvent, until } from "../support/waiting.ts";

/** It does not come back. */
const gone = { retryDelayMs: 600_000, maxRetryDelayMs: 600_000 } as const;

describe("a connection whose client is gone", { timeout: 60_000 }, () => {
  test("is given up if the answers that wait for it are over maxDetachedBytes", async (t) => {
    const server = await freshServer(t, { maxDetachedBytes: 100_000 });
    const answers: ((answer: Uint8Array) => void)[] = [];
    server.handle(1, () => new Promise<Uint8Array>((resolve) => answers.push(resolve)));
    const { client, connection, relay } = await connectThroughRelay(t, server, gone);
    for (const text of ["small", "large"]) client.request(1, text).catch(() => {});
    await until(() => answers.length === 2);
    const lost = nextEvent<[SealpipeError]>(connection, "error");
    relay.cut();
    await lost;
    answers[0]?.(new Uint8Array(1_000));
    await until(() => connection.queuedBytes > 1_000);
    assert.equal(connection.status, "reconnecting");
    const ended = nextEvent<[SealpipeError]>(connection, "error");
    answers[1]?.(new Uint8Array(100_000));
    assert.match((await ended)[0].message, /one of too many/);
    assert.deepEqual(server.connections, []);
  });

  for (const way of ["of its own", "of its server's while the client is gone"]) {
    test(`lets the process end after it is back as before, by an unref ${way}`, async (t) => {
      const server = await freshServer(t);
      const { client, connection, relay } = await connectThroughRelay(t, server);
      const pipes = (): number =>
        process.getActiveResourcesInfo().filter((type) => type === "PipeWrap").length;
      const all = pipes();
      const lost = nextEvent(connection, "error");
      const back = nextEvent(client, "status").then(() => nextEvent(client, "status"));
      if (way === "of its own") connection.unref();
      relay.cut();
      await lost;
      // The server's listener is one pipe more.
      if (way !== "of its own") server.unref();
      await back;
      await until(() => connection.status === "connected");
      await until(() => pipes() === all - (way === "of its own" ? 1 : 2));
      assert.deepEqual(server.connections, [connection]);
    });
  }
});
