import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { type Connection, createClient, type Message, type Status, startServer } from "sealpipe";
import { clientAt, connectTo, freshServer, rawClientOf } from "../support/endpoints.ts";
import { plainWire } from "../support/hand-made-peer.ts";
import { freshName } from "../support/names.ts";
import { nextEvent, record, until } from "../support/waiting.ts";

describe("an async listener", () => {
  test("whose loop breaks with the client's connection does not end the process", async (t) => {
    const server = await freshServer(t, { encryption: false });
    server.on("connection", async (connection: Connection) => {
      for await (const { type, data } of connection) await connection.write(type, data);
    });
    const failed = nextEvent<[{ code: string }]>(server, "error");
    const { peer } = await rawClientOf(t, server);
    peer.send(plainWire.message(5, Uint8Array.of(1)).subarray(0, 6));
    await until(() => peer.pendingBytes === 0);
    peer.destroy();
    assert.equal((await failed)[0].code, "ERR_CONNECTION_LOST");
    // The server goes on. (node:test fails a test during which something is uncaught.)
    const client = await clientAt(t, server.name, { encryption: false });
    await client.write(5, "still here");
    assert.equal((await client.read()).text, "still here");
  });

  test("that answers late, when the client has left, does not end the process", async (t) => {
    const server = await freshServer(t);
    const answered = new Promise<void>((resolve) => {
      server.on("message", async ({ connection, data }) => {
        await once(connection, "close");
        await connection.write(2, data);
        resolve();
      });
    });
    const { client } = await connectTo(t, server);
    await client.write(1, "question");
    await client.close();
    await answered;
  });

  test("that reads on after the end does not end the process", async (t) => {
    const server = await freshServer(t);
    const read = new Promise<unknown>((resolve) => {
      server.on("connection", async (connection) => {
        await connection.read().catch((error) => {
          resolve(error.code);
          throw error;
        });
      });
    });
    const { client } = await connectTo(t, server);
    await client.close();
    assert.equal(await read, "ERR_CLOSED");
  });

  test("with a mistake of its own is uncaught, as usual", async (t) => {
    const server = await freshServer(t);
    const mistake = new Error("a mistake");
    server.on("message", async () => {
      throw mistake;
    });
    const { client } = await connectTo(t, server);
    const uncaught = new Promise((resolve) => process.setUncaughtExceptionCaptureCallback(resolve));
    t.after(() => process.setUncaughtExceptionCaptureCallback(null));
    await client.write(1, "");
    assert.equal(await uncaught, mistake);
  });
});

describe("a client that is created without a wait", () => {
  test("reports its way to the server, and sends what was written first", async () => {
    const name = freshName();
    const client = createClient(name, { retryDelayMs: 5 });
    assert.equal(client.status, "connecting");
    const statuses = record<Status>(client, "status");
    await client.write(1, "first");
    await client.write(2, "second");
    await using server = await startServer(name);
    const texts = [(await server.read()).text, (await server.read()).text];
    assert.deepEqual(texts, ["first", "second"]);
    await client.close();
    assert.deepEqual(statuses, ["connected", "closing", "closed"]);
  });

  test("reports a final failure by its status and an event, and rejects reads and writes", async () => {
    const client = createClient(freshName(), { connectTimeoutMs: 20, retryDelayMs: 5 });
    const failed = nextEvent<[{ code: string }]>(client, "error");
    const read: Promise<Message> = client.read();
    await assert.rejects(read, { code: "ERR_CONNECT_TIMEOUT" });
    assert.equal((await failed)[0].code, "ERR_CONNECT_TIMEOUT");
    assert.equal(client.status, "timeout");
    assert.throws(
      () => client.write(1, ""),
      (error: Error & { code: string }) => {
        assert.equal(error.code, "ERR_CLOSED");
        assert.equal((error.cause as { code: string }).code, "ERR_CONNECT_TIMEOUT");
        return true;
      },
    );
    await client.close();
  });

  test("can be closed before there is a server", async () => {
    const client = createClient(freshName());
    const read = assert.rejects(client.read(), { code: "ERR_CLOSED" });
    await client.close();
    await read;
    assert.equal(client.status, "closed");
  });

  test("is closed by its signal, without an error event", async () => {
    const abort = new AbortController();
    const client = createClient(freshName(), { signal: abort.signal });
    const errors = record<Error>(client, "error");
    const reason = new Error("enough");
    const read = assert.rejects(client.read(), reason);
    abort.abort(reason);
    await read;
    assert.equal(client.status, "closed");
    assert.deepEqual(errors, []);
  });

  test("throws at once for what can never work", () => {
    assert.throws(() => createClient(""), { code: "ERR_INVALID_NAME" });
  });
});
