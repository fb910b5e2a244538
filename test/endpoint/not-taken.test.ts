import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Connection, SealpipeError, Server } from "sealpipe";
import { pattern } from "../support/bytes.ts";
import { connectedPair, connectTo, freshServer, onEachWire, rawClientOf } from "../support/endpoints.ts";
import { nextEvent, record, turns, until } from "../support/waiting.ts";

const timeout = 60_000;

function recordErrors(server: Server): [string, Connection | undefined][] {
  const errors: [string, Connection | undefined][] = [];
  server.on("error", (error: SealpipeError, connection) => errors.push([error.code, connection]));
  return errors;
}

/** From no listener's call, as a timer of the server's program has it. */
async function fromTimer(write: () => unknown): Promise<void> {
  await new Promise<void>((resolve) => {
    setTimeout(() => {
      write();
      resolve();
    }, 0);
  });
}

describe("what a server writes and its client does not take", { timeout }, () => {
  test("as it is too large for that client is dropped and reported once, and the connection goes on", async (t) => {
    const server = await freshServer(t);
    const atServer = recordErrors(server);
    const { client, connection } = await connectTo(t, server, { maxMessageBytes: 10 });
    const atConnection = record<SealpipeError>(connection, "error");
    await fromTimer(() => {
      connection.write(1, "small");
      assert.equal(connection.write(2, pattern(11)), undefined);
      connection.write(3, pattern(12));
      server.broadcast(4, pattern(13));
      connection.write(5, "small");
    });
    assert.deepEqual([(await client.read()).type, (await client.read()).type], [1, 5]);
    assert.deepEqual(
      atConnection.map(({ code, fault }) => [code, fault]),
      [["ERR_TOO_LARGE_FOR_PEER", "peer"]],
    );
    assert.deepEqual(atServer, [["ERR_TOO_LARGE_FOR_PEER", connection]]);
    assert.equal(connection.status, "connected");
  });

  test("cannot have an error listener that answers call itself for ever", async (t) => {
    const server = await freshServer(t);
    server.on("error", (error, connection) => connection?.write(1, error.code));
    const { client, connection } = await connectTo(t, server, { maxMessageBytes: 1 });
    connection.write(1, "too large");
    connection.write(2, "x");
    assert.equal((await client.read()).type, 2);
  });

  onEachWire((wire, { freshServer }) => {
    test(`as it does not read ends that client's connection alone, on the ${wire} wire`, async (t) => {
      const server = await freshServer(t, { maxQueuedBytes: 1_000_000 });
      const errors = recordErrors(server);
      // Its window is full soon, or the system's buffers are.
      const { client: deaf, connection } = await connectTo(t, server, { maxQueuedBytes: 65_536 });
      const other = await connectTo(t, server);
      const atConnection = record<SealpipeError>(connection, "error");
      const closed = nextEvent(connection, "close");
      const rooms: (Promise<void> | undefined)[] = [];
      while (connection.status === "connected") {
        await fromTimer(() => rooms.push(connection.write(1, pattern(100_000))));
      }
      assert.equal(connection.status, "error");
      assert.deepEqual(
        atConnection.map(({ code, fault }) => [code, fault]),
        [["ERR_QUEUE_FULL", "peer"]],
      );
      assert.deepEqual(errors, [["ERR_QUEUE_FULL", connection]]);
      // Whoever waited for room goes on, and what is written now is dropped.
      await Promise.all(rooms);
      assert.equal(connection.write(1, "late"), undefined);
      assert.throws(() => connection.write(0, "late"), { code: "ERR_RESERVED_TYPE" });
      await closed;
      await other.connection.write(2, "to the other");
      assert.equal((await other.client.read()).text, "to the other");
      deaf.destroy();
    });
  });

  test("while it is away ends its connection too", async (t) => {
    const { connection, client } = await connectedPair(t, { server: { maxQueuedBytes: 100_000 } });
    const errors = record<SealpipeError>(connection, "error");
    client.destroy();
    await until(() => connection.status === "reconnecting");
    while (connection.status === "reconnecting") connection.write(1, pattern(20_000));
    assert.equal(errors.at(-1)?.code, "ERR_QUEUE_FULL");
    await connection.close();
  });

  test("is not written by a broadcast that the others have to wait for or miss", async (t) => {
    const server = await freshServer(t, { encryption: false, maxQueuedBytes: 1_000_000 });
    const hung = await rawClientOf(t, server);
    const small = await connectTo(t, server, { encryption: false, maxMessageBytes: 1 });
    const honest = await connectTo(t, server, { encryption: false });
    for (let round = 1; hung.connection.status === "connected"; round++) {
      server.broadcast(round, pattern(100_000), { slow: "drop" });
      assert.equal((await honest.client.read()).type, round);
    }
    server.broadcast(1, "");
    assert.equal((await small.client.read()).type, 1);
    await turns();
    assert.equal(server.connections.length, 2);
  });
});
