import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { describe, test } from "node:test";
import { type Client, type Connection, type SealpipeError, startServer } from "sealpipe";
import { pattern } from "../support/bytes.ts";
import { isEvent, startChild } from "../support/children.ts";
import { clientAt, clientOfRaw, connectedPair, freshServer, rawClientOf } from "../support/endpoints.ts";
import { plainWire } from "../support/hand-made-peer.ts";
import { freshName } from "../support/names.ts";
import { noHalfClose, onWindows } from "../support/platform.ts";
import { addressOf } from "../support/raw-peer.ts";
import { isSettled, nextEvent, record, turns, until } from "../support/waiting.ts";

const timeout = 20_000;
const small = { encryption: false, maxQueuedBytes: 20_000 } as const;

/** More messages than may wait unread. */
function tooMany(count = 60): Uint8Array[] {
  return Array.from({ length: count }, () => plainWire.message(1, pattern(1_000)));
}

/** What the server goes by; not for users. */
function hasUnread(connection: Connection): boolean {
  return (connection as unknown as { life: { hasUnread: boolean } }).life.hasUnread;
}

describe("a peer that goes while too much of it is unread", { timeout }, () => {
  test("frees who waits to write to it, whose loop then ends", async (t) => {
    const server = await freshServer(t, small);
    const { peer, connection } = await rawClientOf(t, server);
    const loop = (async () => {
      for await (const { data } of connection) await connection.write(1, data);
    })();
    const ended = loop.catch((error: SealpipeError) => error.code);
    // It never reads, so the loop hangs in a write, and then the inbox is full.
    for (let round = 0; round < 20; round++) peer.send(...tooMany());
    await until(() => connection.queuedBytes > 5_000);
    assert.equal(await isSettled(ended), false);
    const over = nextEvent(connection, "close");
    peer.destroy();
    await over;
    assert.ok([undefined, "ERR_CONNECTION_LOST", "ERR_CLOSED"].includes((await ended) as string | undefined));
  });

  test("does not keep a client from reconnecting", async (t) => {
    const { client, peer, raw } = await clientOfRaw(t, { maxQueuedBytes: 20_000 });
    peer.send(...tooMany());
    await client.read();
    peer.destroy();
    // Nothing is read any more, so a write is what finds out that nobody is there.
    await until(() => {
      if (client.status === "connected") void client.write(1, "are you there?");
      return client.status === "reconnecting";
    });
    (await raw.accept()).destroy();
    // What had arrived can still be read.
    assert.equal((await client.read()).data.length, 1_000);
  });

  test("does not keep close and destroy from settling", async (t) => {
    const server = await startServer(freshName(), small);
    const { peer, connection } = await rawClientOf(t, server);
    peer.send(...tooMany());
    await until(() => connection.status === "connected");
    peer.destroy();
    void connection.write(1, "");
    connection.destroy();
    await connection.close();
    await server.close();
    assert.equal(server.status, "closed");
  });

  test("takes one of maxConnections until what it left is read", async (t) => {
    const server = await freshServer(t, { ...small, maxConnections: 1 });
    const { peer, connection } = await rawClientOf(t, server);
    const gone = nextEvent(connection, "close");
    peer.send(plainWire.message(1, pattern(10)));
    peer.end();
    await gone;
    const refused = nextEvent<[SealpipeError]>(server, "error");
    const waiting = clientAt(t, server.name, { encryption: false });
    assert.equal((await refused)[0].code, "ERR_TOO_MANY_CONNECTIONS");
    assert.equal((await server.read()).data.length, 10);
    await waiting;
    await until(() => server.connections.length === 1);
  });

  test("leaves nothing at the server once its connection is closed there", async (t) => {
    const { server, client, connection } = await connectedPair(t);
    await client.write(1, "unread");
    await until(() => hasUnread(connection));
    await connection.close();
    assert.equal(hasUnread(connection), false);
    assert.equal(await isSettled(server.read()), false);
  });
});

describe("a peer that is killed", { timeout }, () => {
  /** More bytes than are read at once, so that some are still with the system when a write fails. A pipe holds less. */
  const sent = onWindows ? 100 : 150;

  /** Writes until it is known that nobody is there, then reads what is left. */
  async function readAfterDeath(endpoint: Client | Connection, over: () => boolean): Promise<number[]> {
    await until(() => {
      if (!over()) void endpoint.write(1, "are you there?");
      return over();
    });
    const types: number[] = [];
    while (types.length < sent) types.push((await endpoint.read()).type);
    return types;
  }
  const all = Array.from({ length: sent }, (_, index) => index + 1);

  test("loses nothing of what it had sent to a server that has yet to read it, and writes to it", async (t) => {
    const server = await freshServer(t, { ...small, profile: "classic" });
    const accepted = nextEvent<[Connection]>(server, "connection");
    const child = startChild("unread-peer", "client", server.name, `${sent}`);
    const [connection] = await accepted;
    await child.until(isEvent("ready"));
    await child.kill();
    assert.deepEqual(await readAfterDeath(connection, () => connection.status !== "connected"), all);
    await assert.rejects(connection.read());
  });

  test("loses nothing of what it had sent to a client that has yet to read it, and writes to it", async (t) => {
    const name = freshName();
    const child = startChild("unread-peer", "server", name, `${sent}`);
    // Killed, it leaves its socket behind.
    t.after(() => rmSync(addressOf(name), { force: true }));
    await child.until(isEvent("listening"));
    const client = await clientAt(t, name, { ...small, profile: "classic" });
    await child.until(isEvent("ready"));
    await child.kill();
    assert.deepEqual(await readAfterDeath(client, () => client.status !== "connected"), all);
  });

  test("is noticed when reading goes on, if nothing is written", async (t) => {
    const server = await freshServer(t, small);
    const { peer, connection } = await rawClientOf(t, server);
    peer.send(...tooMany());
    const closed = nextEvent(connection, "close");
    await until(() => hasUnread(connection));
    peer.destroy();
    assert.equal(await isSettled(closed), false);
    for (let count = 0; count < 60; count++) await connection.read();
    await closed;
  });
});

describe("a client that has ended its side", { timeout, skip: noHalfClose }, () => {
  test("and lingers has left: what it does not take in closeTimeoutMs is dropped, and is no error", async (t) => {
    const server = await freshServer(t, { encryption: false, closeTimeoutMs: 50 });
    const errors = record<SealpipeError>(server, "error");
    const { peer, connection } = await rawClientOf(t, server);
    void connection.write(1, pattern(3_000_000));
    const flush = assert.rejects(connection.flush(), { code: "ERR_CLOSED" });
    const closed = nextEvent(connection, "close");
    peer.end();
    await flush;
    await closed;
    assert.equal(connection.status, "disconnected");
    assert.ok((await peer.receiveToEnd()).length < 3_000_000);
    assert.deepEqual(errors, []);
  });

  test("still gets what was written to it before, if it takes it", async (t) => {
    const server = await freshServer(t, { encryption: false });
    const { peer, connection } = await rawClientOf(t, server);
    void connection.write(1, pattern(3_000_000));
    await turns();
    peer.end();
    const expected = plainWire.message(1, pattern(3_000_000));
    assert.ok(Buffer.from(await peer.receiveToEnd()).equals(expected));
  });
});

describe("other ends", { timeout }, () => {
  test("listeners still get messages after removeAllListeners", async (t) => {
    const { client, connection } = await connectedPair(t);
    connection.removeAllListeners();
    const got = nextEvent<[{ text: string }]>(connection, "message");
    await client.write(1, "heard");
    assert.equal((await got)[0].text, "heard");
    connection.removeAllListeners("message");
    await client.write(1, "later");
    const [message] = await nextEvent<[{ text: string }]>(connection, "message");
    assert.equal(message.text, "later");
  });

  test("a close whose output was pending waits for the peer's end as long as a close without pending output", async (t) => {
    const { client, peer } = await clientOfRaw(t, { closeTimeoutMs: 3_600_000 });
    void client.write(1, pattern(2_000_000));
    const closed = client.close();
    await peer.receive(8 + 2_000_000);
    // The peer never ends its side: what ends the wait is the quarter of a second, not the hour.
    await closed;
    assert.equal(client.status, "closed");
  });

  test("a process that waits for a client that reads nothing stays alive for it", async (t) => {
    const server = await freshServer(t, small);
    server.on("connection", async (connection: Connection) => {
      for (let count = 0; count < 60; count++) await connection.write(1, pattern(1_000));
      await once(connection, "close");
    });
    const child = fork(new URL("../support/children/waits-for-close.js", import.meta.url), [server.name]);
    const exited = once(child, "exit");
    await once(child, "message");
    await server.close();
    assert.deepEqual((await exited)[0], 0);
  });
});
