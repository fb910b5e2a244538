import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Connection, LostSession, SealpipeError } from "sealpipe";
import { pattern } from "../support/bytes.ts";
import { clientAt, freshServer, serverAt } from "../support/endpoints.ts";
import { freshName } from "../support/names.ts";
import { connectThroughRelay, Relay } from "../support/relay.ts";
import { isSettled, nextEvent, record, turns, until } from "../support/waiting.ts";

const timeout = 60_000;
const numbers = Array.from({ length: 200 }, (_, index) => index + 1);

describe("a native connection that breaks", { timeout }, () => {
  for (const encryption of [true, false]) {
    test(`goes on with the same objects at both ends, and loses nothing (${encryption ? "sealed" : "in the clear"})`, async (t) => {
      const server = await freshServer(t, { encryption });
      const { client, connection, relay } = await connectThroughRelay(t, server, { encryption });
      const connections = record<Connection>(server, "connection");
      const statuses = { client: record(client, "status"), connection: record(connection, "status") };
      const errors = record<SealpipeError>(connection, "error");
      const heard = {
        client: record<{ type: number }>(client, "message"),
        connection: record<{ type: number }>(connection, "message"),
      };
      for (const number of numbers) {
        void client.write(number, pattern(number * 100, number));
        void connection.write(number, pattern(number * 100, number));
        if (number % 50 !== 0) continue;
        const back = nextEvent(client, "status");
        relay.cut();
        await back;
      }
      await until(() => heard.client.length === 200 && heard.connection.length === 200);
      for (const end of [heard.client, heard.connection]) {
        assert.deepEqual(
          end.map(({ type }) => type),
          numbers,
        );
      }
      await Promise.all([client.flush(), connection.flush()]);
      assert.equal(client.queuedBytes + connection.queuedBytes, 0);
      assert.deepEqual(connections, []);
      assert.deepEqual(server.connections, [connection]);
      for (const list of [statuses.client, statuses.connection]) {
        assert.deepEqual(new Set(list), new Set(["reconnecting", "connected"]));
        assert.equal(list.at(-1), "connected");
      }
      assert.deepEqual(new Set(errors.map(({ code }) => code)), new Set(["ERR_CONNECTION_LOST"]));
    });
  }

  test("goes on if only the client has noticed, and the server still takes the old one for alive", async (t) => {
    const server = await freshServer(t);
    const { client, connection, relay } = await connectThroughRelay(t, server, {
      keepaliveIntervalMs: 20,
      keepaliveTimeoutMs: 20,
    });
    const statuses = record(connection, "status");
    void connection.write(1, "before");
    assert.equal((await client.read()).text, "before");
    relay.holdOpen();
    void connection.write(2, "on its way when the wire went dead");
    void client.write(3, "on its way too");
    const back = nextEvent(client, "status");
    assert.deepEqual(await back, ["reconnecting"]);
    assert.equal((await client.read()).type, 2);
    assert.equal((await connection.read()).type, 3);
    assert.deepEqual(statuses, [], "the server has noticed nothing");
    assert.deepEqual(server.connections, [connection]);
    void connection.write(4, "after");
    assert.equal((await client.read()).text, "after");
  });

  test("keeps what is unread, and what is written to a client that is away until it is back", async (t) => {
    const server = await freshServer(t);
    const { client, connection, relay } = await connectThroughRelay(t, server);
    server.handle(1, () => "");
    void client.write(1, "unread");
    void connection.write(1, "unread");
    // What was written before has come through with it.
    await client.request(1, "");
    const lost = nextEvent(connection, "status");
    relay.hold();
    relay.cut();
    assert.deepEqual(await lost, ["reconnecting"]);
    assert.equal(connection.write(2, "while away"), undefined);
    void client.write(2, "while away");
    const flushed = connection.flush();
    assert.equal(await isSettled(flushed), false);
    assert.equal((await connection.read()).text, "unread");
    assert.equal((await client.read()).text, "unread");
    relay.release();
    assert.equal((await client.read()).text, "while away");
    assert.equal((await connection.read()).text, "while away");
    await flushed;
  });

  test("reports a client that comes once, and counts it once", async (t) => {
    const server = await freshServer(t, { maxConnections: 1 });
    const { client, connection, relay } = await connectThroughRelay(t, server, { connectTimeoutMs: 5_000 });
    for (let round = 0; round < 5; round++) {
      const lost = nextEvent(client, "status");
      relay.cut();
      await lost;
      const back = nextEvent(client, "status");
      assert.deepEqual(await back, ["connected"]);
      assert.deepEqual(server.connections, [connection]);
    }
    await client.write(1, "still there");
    assert.equal((await server.read()).text, "still there");
  });

  test("lets the application end it while the client is away, in order or not", async (t) => {
    for (const how of ["close", "destroy"] as const) {
      const server = await freshServer(t);
      const { client, connection, relay } = await connectThroughRelay(t, server);
      const lost = nextEvent(connection, "status");
      relay.hold();
      relay.cut();
      await lost;
      void connection.write(1, "never read");
      const closed = nextEvent(connection, "close");
      const flush = assert.rejects(connection.flush(), { code: "ERR_CLOSED" });
      await connection[how]();
      await closed;
      await flush;
      assert.equal(connection.status, "closed");
      assert.deepEqual(server.connections, []);
      // The client finds no session any more, and begins anew.
      const connected = nextEvent<[Connection]>(server, "connection");
      relay.release();
      const [next] = await connected;
      assert.notEqual(next, connection);
      assert.equal(client.profile, "native");
    }
  });

  test("ends with its server, while the client is away", async (t) => {
    const server = await freshServer(t);
    const { connection, relay } = await connectThroughRelay(t, server);
    const lost = nextEvent(connection, "status");
    relay.hold();
    relay.cut();
    await lost;
    await server.close();
    assert.equal(connection.status, "closed");
    assert.deepEqual(server.connections, []);
  });

  test("is not resumed once the server has begun to close it: the close goes on", async (t) => {
    const server = await freshServer(t, { closeTimeoutMs: 1_000 });
    const { client, connection, relay } = await connectThroughRelay(t, server, {
      keepaliveIntervalMs: 20,
      keepaliveTimeoutMs: 20,
    });
    relay.holdOpen();
    void connection.write(1, "held up");
    const closing = connection.close();
    const connected = nextEvent<[Connection]>(server, "connection");
    const [next] = await connected;
    assert.notEqual(next, connection);
    await closing;
    assert.equal(connection.status, "error", "its client never took what was written");
    await client.write(2, "to the next");
    assert.equal((await next.read()).text, "to the next");
  });
});

describe("a native client that does not come back", { timeout }, () => {
  test("is given up after resumeWindowMs, and what it has not consumed is reported", async (t) => {
    const server = await freshServer(t, { resumeWindowMs: 50 });
    const { client, connection, relay } = await connectThroughRelay(t, server);
    const told: string[] = [];
    connection.on("session-lost", ({ messages }: LostSession) => {
      told.push(`session-lost ${messages.map(({ type, text }) => `${type} ${text}`).join()}`);
    });
    connection.on("error", ({ code }) => told.push(code));
    connection.on("status", (status) => told.push(status));
    connection.on("close", () => told.push("close"));
    void connection.write(1, "unread there");
    await turns();
    relay.hold();
    relay.cut();
    const reading = connection.read();
    await assert.rejects(reading, { code: "ERR_CONNECTION_LOST", message: /did not come back within 50 ms/ });
    await until(() => told.includes("close"));
    assert.deepEqual(told, [
      "reconnecting",
      "ERR_CONNECTION_LOST",
      "error",
      "session-lost 1 unread there",
      "ERR_CONNECTION_LOST",
      "close",
    ]);
    assert.deepEqual(server.connections, []);
    client.destroy();
    relay.release();
  });

  test("is not waited for at all if resumeWindowMs is 0", async (t) => {
    const server = await freshServer(t, { resumeWindowMs: 0 });
    const { connection, relay, client } = await connectThroughRelay(t, server);
    const statuses = record(connection, "status");
    const closed = nextEvent(connection, "close");
    const connected = nextEvent<[Connection]>(server, "connection");
    relay.cut();
    await closed;
    assert.deepEqual(statuses, ["error"]);
    const [next] = await connected;
    assert.notEqual(next, connection);
    await client.write(1, "in a new session");
    assert.equal((await next.read()).text, "in a new session");
  });

  test("goes for one that was lost later, if there are more than maxDetachedSessions", async (t) => {
    const server = await freshServer(t, { maxDetachedSessions: 2 });
    const all: Awaited<ReturnType<typeof connectThroughRelay>>[] = [];
    for (let count = 0; count < 3; count++) all.push(await connectThroughRelay(t, server));
    for (const { relay, connection } of all) {
      const lost = nextEvent(connection, "status");
      relay.hold();
      relay.cut();
      await lost;
    }
    assert.deepEqual(
      all.map(({ connection }) => connection.status),
      ["error", "reconnecting", "reconnecting"],
    );
    const lost = all.map(({ client }) => record<LostSession>(client, "session-lost"));
    for (const { relay } of all) relay.release();
    await until(() => all.every(({ client }) => client.status === "connected"));
    assert.equal(server.connections.length, 3);
    assert.deepEqual(lost, [[{ messages: [], streams: [] }], [], []]);
  });

  test("goes if what is written to it is more than maxDetachedBytes", async (t) => {
    const server = await freshServer(t, { maxDetachedBytes: 100_000 });
    const { relay, connection } = await connectThroughRelay(t, server);
    const lost = nextEvent(connection, "status");
    relay.hold();
    relay.cut();
    await lost;
    void connection.write(1, pattern(60_000));
    assert.equal(connection.status, "reconnecting");
    void connection.write(1, pattern(60_000));
    assert.equal(connection.status, "error");
    assert.equal(connection.write(1, "dropped"), undefined);
  });
});

describe("a native server that was started again", { timeout }, () => {
  test("begins a new session: what was under way is reported, what was not sent goes out", async (t) => {
    const name = freshName();
    const first = await serverAt(t, name);
    const relay = await Relay.start(t, first.address);
    const connected = nextEvent(first, "connection");
    const client = await clientAt(t, relay.name);
    await connected;
    const lost = nextEvent<[LostSession]>(client, "session-lost");
    void client.write(1, "read");
    assert.equal((await first.read()).type, 1);
    await client.flush();
    void client.write(2, pattern(200_000));
    void client.write(3, "not read");
    await turns();
    const flushed = assert.rejects(client.flush(), { code: "ERR_SESSION_LOST" });
    relay.hold();
    first.destroy();
    await first.close();
    // On Deno a relay that reads nothing does not see that the server is gone.
    relay.cut();
    const next = await serverAt(t, name);
    await until(() => client.status === "reconnecting");
    void client.write(4, "not sent");
    relay.release();
    const [{ messages }] = await lost;
    assert.deepEqual(
      messages.map(({ type }) => type),
      [2, 3],
    );
    assert.ok(Buffer.from(messages[0]?.data ?? []).equals(pattern(200_000)));
    await flushed;
    const message = await next.read();
    assert.equal(message.type, 4);
    assert.equal(message.text, "not sent");
    assert.equal(await isSettled(next.read()), false);
  });

  test("and closed before in order, has let the client know that it had not consumed everything", async (t) => {
    const server = await freshServer(t);
    const client = await clientAt(t, server.name);
    const lost = nextEvent<[LostSession]>(client, "session-lost");
    void client.write(1, "never read");
    await turns();
    await server.close();
    const [{ messages }] = await lost;
    assert.deepEqual(
      messages.map(({ text }) => text),
      ["never read"],
    );
  });
});
