import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Connection, PeerError } from "sealpipe";
import { pattern } from "../../support/bytes.ts";
import { connectTo, onEachWire, rawClientOf } from "../../support/endpoints.ts";
import { openAsClient, plainHello, RawPeer } from "../../support/raw-peer.ts";
import { nextEvent, record, turns, until } from "../../support/waiting.ts";

const timeout = 60_000;
const given = new Error("enough");

onEachWire((wire, { connectedPair, freshServer }) => {
  describe(`a connection (${wire})`, { timeout }, () => {
    for (const encryption of [true, false]) {
      test(`says that it is ${encryption ? "encrypted" : "not encrypted"}, and its profile`, async (t) => {
        const { connection, client } = await connectedPair(t, {
          server: { encryption },
          client: { encryption: false },
        });
        assert.equal(connection.encrypted, encryption);
        assert.equal(client.encrypted, encryption);
        assert.equal(connection.profile, wire);
        assert.equal(client.profile, wire);
        assert.equal(connection.status, "connected");
      });
    }

    test("is none while its handshake is not over: an error of that belongs to the server", async (t) => {
      const server = await freshServer(t, { encryption: false });
      const failed = nextEvent<[Error, Connection | undefined]>(server, "error");
      const peer = await RawPeer.connect(server.address);
      assert.deepEqual(await peer.receive(2), plainHello);
      peer.destroy();
      assert.deepEqual(server.connections, []);
      const [error, connection] = await failed;
      assert.equal((error as PeerError).code, "ERR_CONNECTION_LOST");
      assert.equal(connection, undefined);
    });

    test("writes to its client alone", async (t) => {
      const server = await freshServer(t);
      const one = await connectTo(t, server);
      const other = await connectTo(t, server);
      await one.connection.write(1, "for one");
      await other.connection.write(2, "for the other");
      assert.equal((await one.client.read()).text, "for one");
      assert.equal((await other.client.read()).text, "for the other");
    });

    test("is disconnected, and closed, when its client leaves", async (t) => {
      const { client, connection, server } = await connectedPair(t);
      const statuses = record<string>(connection, "status");
      const closed = nextEvent(connection, "close");
      const reading = connection.read();
      void client.close();
      await assert.rejects(reading, { code: "ERR_CLOSED" });
      await closed;
      assert.deepEqual(statuses, ["disconnected"]);
      assert.deepEqual(server.connections, []);
      await assert.rejects(connection.flush(), { code: "ERR_CLOSED" });
      await connection.close();
      assert.equal(connection.status, "disconnected");
      assert.throws(() => connection.write(1, ""), { code: "ERR_CLOSED" });
    });

    test("drops what is written to a client that has left: that is no error of the server's", async (t) => {
      const { client, connection } = await connectedPair(t);
      const closed = nextEvent(connection, "close");
      void client.close();
      await closed;
      assert.equal(connection.write(1, "too late"), undefined);
      assert.equal(connection.queuedBytes, 0);
      assert.throws(() => connection.write(0, ""), { code: "ERR_RESERVED_TYPE" });
      assert.throws(() => connection.write(1, new Uint8Array(3_145_729)), { code: "ERR_MESSAGE_TOO_LARGE" });
    });

    test("that is closed ends its client's, and the server goes on", async (t) => {
      const { server, client, connection } = await connectedPair(t);
      const statuses = record<string>(connection, "status");
      const atClient = record<string>(client, "status");
      await connection.write(1, "last words");
      const closing = connection.close();
      assert.equal(connection.status, "closing");
      assert.throws(() => connection.write(1, ""), { code: "ERR_CLOSED" });
      await closing;
      assert.deepEqual(statuses, ["closing", "closed"]);
      assert.equal((await client.read()).text, "last words");
      await until(() => client.status === "connected" && atClient.length === 2);
      assert.deepEqual(atClient, ["reconnecting", "connected"]);
      await until(() => server.connections.length === 1);
      assert.notEqual(server.connections[0], connection);
    });

    test("that is destroyed is gone at once; its reads are rejected with the error", async (t) => {
      const { client, connection, server } = await connectedPair(t);
      const statuses = record<string>(connection, "status");
      const errors = record<Error>(connection, "error");
      const closed = nextEvent(connection, "close");
      const lost = nextEvent<[string]>(client, "status");
      const reading = connection.read();
      connection.destroy(given);
      connection.destroy();
      await assert.rejects(reading, given);
      await closed;
      assert.deepEqual(statuses, ["error"]);
      assert.deepEqual(errors, [], "whoever destroys it knows why");
      assert.deepEqual(await lost, ["reconnecting"]);
      assert.throws(() => connection.write(1, ""), { code: "ERR_CLOSED" });
      assert.equal(server.connections.includes(connection), false);
      await connection.close();
      assert.equal(connection.status, "error");
    });

    test("that is destroyed without an error is closed; its reads are rejected as after a close", async (t) => {
      const { connection } = await connectedPair(t);
      const reading = connection.read();
      const closed = nextEvent(connection, "close");
      connection.destroy();
      await assert.rejects(reading, { code: "ERR_CLOSED" });
      await closed;
      assert.equal(connection.status, "closed");
    });

    test("can be destroyed by a listener as soon as it is there", async (t) => {
      const server = await freshServer(t, { encryption: false });
      server.on("connection", (connection) => connection.destroy());
      const peer = await RawPeer.connect(server.address);
      await openAsClient(peer);
      assert.deepEqual(await peer.receiveToEnd(), new Uint8Array(0));
      await until(() => server.connections.length === 0);
      peer.destroy();
    });

    test("says what it has queued, and nothing once that has left", async (t) => {
      const server = await freshServer(t, { encryption: false });
      const { peer, connection } = await rawClientOf(t, server);
      assert.equal(connection.queuedBytes, 0);
      void connection.write(1, pattern(1_000_000));
      await turns();
      assert.ok(connection.queuedBytes > 500_000);
      await peer.receive(1_000_008);
      await connection.flush();
      assert.equal(connection.queuedBytes, 0);
    });

    test("is disposed of as it is closed", async (t) => {
      const { connection } = await connectedPair(t);
      {
        await using disposed = connection;
        assert.equal(disposed.status, "connected");
      }
      assert.equal(connection.status, "closed");
    });
  });
});
