import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Connection, SealpipeError } from "sealpipe";
import { pattern } from "../support/bytes.ts";
import { clientOfRaw, connectedPair, connectTo, freshServer, rawClientOf } from "../support/endpoints.ts";
import { plainWire } from "../support/hand-made-peer.ts";
import { nextEvent, record, turns, until } from "../support/waiting.ts";

const timeout = 60_000;

/** Both kinds of listeners that do the same. */
const kinds = {
  "a listener": (work: () => unknown) => work,
  "an async listener": (work: () => unknown) => async () => work(),
};

for (const [kind, listenerOf] of Object.entries(kinds)) {
  // node:test fails a test during which something is uncaught.
  describe(`${kind} that lets through what a peer did`, { timeout }, () => {
    test("has an error event of the client tell it, and goes on", async (t) => {
      const { client, connection } = await connectedPair(t, { server: { maxMessageBytes: 10 } });
      const errors = record<SealpipeError>(client, "error");
      let called = 0;
      client.on(
        "message",
        listenerOf(() => {
          called += 1;
          return client.write(1, pattern(11));
        }),
      );
      connection.write(1, "one");
      connection.write(1, "two");
      await until(() => errors.length === 2);
      assert.equal(called, 2);
      assert.deepEqual(new Set(errors.map(({ code }) => code)), new Set(["ERR_TOO_LARGE_FOR_PEER"]));
      assert.equal(client.status, "connected");
    });

    test("does not end a client whose server sends and reads nothing", async (t) => {
      const { client, peer } = await clientOfRaw(t, { maxQueuedBytes: 100_000 });
      const failed = nextEvent<[SealpipeError]>(client, "error");
      client.on(
        "message",
        listenerOf(() => client.write(1, pattern(50_000))),
      );
      while (client.queuedBytes < 100_000) {
        peer.send(plainWire.message(1, pattern(1)));
        await turns(1);
      }
      peer.send(plainWire.message(1, pattern(1)));
      assert.equal((await failed)[0].code, "ERR_QUEUE_FULL");
      assert.equal(client.status, "connected");
    });

    test("does not end a client that is not connected any more", async (t) => {
      const { client, server } = await connectedPair(t, { client: { offlineQueue: false } });
      const failed: Promise<[SealpipeError]> = nextEvent(client, "error");
      client.on(
        "status",
        listenerOf(() => client.write(1, "")),
      );
      await server.close();
      assert.equal((await failed)[0].code, "ERR_NOT_CONNECTED");
    });

    test("has an error event of the server tell it, with the connection", async (t) => {
      const { server, client, connection } = await connectedPair(t);
      const failed = nextEvent<[SealpipeError, Connection]>(server, "error");
      server.on(
        "message",
        listenerOf(() => connection.read({ timeoutMs: 1 })),
      );
      await client.write(1, "");
      const [error, whose] = await failed;
      assert.equal(error.code, "ERR_READ_TIMEOUT");
      assert.equal(whose, connection);
    });

    test("is not called again for what it lets through at an error event", async (t) => {
      const { client, connection } = await connectedPair(t, { server: { maxMessageBytes: 10 } });
      let called = 0;
      const work = listenerOf(() => {
        called += 1;
        return client.write(1, pattern(11));
      });
      client.on("error", work);
      client.on("message", work);
      connection.write(1, "");
      await until(() => called === 2);
      await turns();
      assert.equal(called, 2);
    });

    test("is an uncaught exception if the mistake is its own", async (t) => {
      const server = await freshServer(t);
      const errors = record<SealpipeError>(server, "error");
      server.on("connection", (connection) =>
        connection.on(
          "message",
          listenerOf(() => connection.write(0, "")),
        ),
      );
      const { client: next } = await connectTo(t, server);
      const uncaught = new Promise<unknown>((resolve) =>
        process.setUncaughtExceptionCaptureCallback(resolve),
      );
      t.after(() => process.setUncaughtExceptionCaptureCallback(null));
      await next.write(1, "");
      assert.equal(((await uncaught) as SealpipeError).code, "ERR_RESERVED_TYPE");
      assert.deepEqual(errors, []);
    });
  });
}

test("what an error event has reported is not reported again when a listener lets it through", async (t) => {
  const server = await freshServer(t, { encryption: false });
  const errors = record<SealpipeError>(server, "error");
  const left = new Promise<void>((resolve) => {
    server.on("connection", async (connection) => {
      try {
        for await (const { type, data } of connection) await connection.write(type, data);
      } finally {
        resolve();
      }
    });
  });
  const { peer } = await rawClientOf(t, server);
  peer.send(plainWire.message(5, pattern(1)).subarray(0, 6));
  await until(() => peer.pendingBytes === 0);
  peer.destroy();
  await left;
  await turns();
  assert.deepEqual(
    errors.map(({ code }) => code),
    ["ERR_CONNECTION_LOST"],
  );
});
