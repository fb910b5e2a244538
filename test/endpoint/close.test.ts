import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Client, type Connection, type SealpipeError, startClient, startServer } from "sealpipe";
import { pattern } from "../support/bytes.ts";
import {
  clientAt,
  clientOfRaw,
  connectedPair,
  freshServer,
  onEachWire,
  rawClientOf,
} from "../support/endpoints.ts";
import { plainWire } from "../support/hand-made-peer.ts";
import { lastingMs, lasts } from "../support/lasting.ts";
import { freshName } from "../support/names.ts";
import { accepted, openAsServer, plainHello, RawPeer } from "../support/raw-peer.ts";
import { isSettled, nextEvent, record, turns, until } from "../support/waiting.ts";

const timeout = 60_000;
const plain = { encryption: false };
const given = new Error("enough");

onEachWire((wire, { connectedPair, freshServer }) => {
  describe(`closing (${wire})`, { timeout }, () => {
    for (const [who, pick] of [
      ["a client", (pair: { client: Client; connection: Connection }) => [pair.client, pair.connection]],
      ["a connection", (pair: { client: Client; connection: Connection }) => [pair.connection, pair.client]],
    ] as const) {
      test(`${who} sends everything that was written first`, async (t) => {
        const pair = await connectedPair(t);
        const [closing, other] = pick(pair) as [Client, Connection];
        const count = 50;
        const reading = (async () => {
          for (let type = 1; type <= count; type++) {
            const message = await other.read();
            assert.equal(message.type, type);
            assert.ok(Buffer.from(message.data).equals(pattern(105_000, type)));
          }
        })();
        // More than 5 MiB, none of it awaited.
        for (let type = 1; type <= count; type++) void closing.write(type, pattern(105_000, type));
        const closed = closing.close();
        await reading;
        await closed;
      });
    }

    test("a server sends everything that was written first, to each client", async (t) => {
      const server = await freshServer(t);
      const clients = [await clientAt(t, server.name), await clientAt(t, server.name)];
      await until(() => server.connections.length === 2);
      for (let type = 1; type <= 20; type++) void server.broadcast(type, pattern(100_000, type));
      const closed = server.close();
      for (const client of clients) {
        for (let type = 1; type <= 20; type++) {
          const message = await client.read();
          assert.equal(message.type, type);
          assert.ok(Buffer.from(message.data).equals(pattern(100_000, type)));
        }
      }
      await closed;
    });

    for (const who of ["server", "client", "connection"] as const) {
      test(`a ${who} twice is closing it once`, async (t) => {
        const endpoint = (await connectedPair(t))[who];
        const closes = record(endpoint, "close");
        const closed = endpoint.close();
        assert.equal(endpoint.close(), closed, "the same promise");
        await closed;
        assert.equal(endpoint.close(), closed);
        await turns();
        assert.equal(closes.length, 1);
      });

      test(`a ${who} again in the listener for it is closing it once`, async (t) => {
        const endpoint = (await connectedPair(t))[who];
        const closes = record(endpoint, "close");
        const statuses = record<string>(endpoint, "status");
        const inListener: Promise<void>[] = [];
        endpoint.on("status", () => inListener.push(endpoint.close()));
        await endpoint.close();
        assert.equal(inListener.length, 2);
        await Promise.all(inListener);
        await turns();
        assert.equal(closes.length, 1);
        assert.deepEqual(statuses, ["closing", "closed"]);
      });
    }

    test("in a listener for messages leaves the rest unread", async (t) => {
      const { server, client } = await connectedPair(t);
      const types: number[] = [];
      server.on("message", ({ type, connection }) => {
        types.push(type);
        void connection.close();
      });
      for (let type = 1; type <= 10; type++) void client.write(type, "");
      await nextEvent(client, "status");
      assert.deepEqual(types, [1]);
    });

    test("with messages unread drops them", async (t) => {
      const { server, client, connection } = await connectedPair(t);
      for (let type = 1; type <= 10; type++) {
        await client.write(type, pattern(10_000));
        await connection.write(type, pattern(10_000));
      }
      await turns();
      await client.close();
      await server.close();
      for (const endpoint of [client, connection, server]) {
        await assert.rejects(endpoint.read(), { code: "ERR_CLOSED" });
      }
    });

    test("with more unread than may wait drops that too", async (t) => {
      const options = { maxQueuedBytes: 10_000, closeTimeoutMs: 20 };
      const { server, client, connection } = await connectedPair(t, { server: options, client: options });
      const writes = [client, connection].map(async (endpoint) => {
        for (;;) await endpoint.write(1, pattern(5_000));
      });
      const rejected = writes.map((writing) => assert.rejects(writing));
      await turns();
      await server.close();
      await client.close();
      await Promise.all(rejected);
    });

    test("refuses what is written after it, at once", async (t) => {
      const { server, client, connection } = await connectedPair(t);
      const closing: Promise<void>[] = [];
      for (const endpoint of [client, connection]) {
        closing.push(endpoint.close());
        assert.equal(endpoint.status, "closing");
        assert.throws(() => endpoint.write(1, ""), { code: "ERR_CLOSED" });
      }
      await Promise.all(closing);
      await assert.rejects(client.flush(), { code: "ERR_CLOSED" });
      await server.close();
    });

    test("settles what still waits to be written, once that has left", async (t) => {
      const { client, peer } = await clientOfRaw(t);
      const room = client.write(1, pattern(3_000_000));
      const flushed = client.flush();
      const closed = client.close();
      assert.equal(await isSettled(closed), false);
      await peer.receive(3_000_008);
      await Promise.all([room, flushed]);
      assert.deepEqual(await peer.receiveToEnd(), new Uint8Array(0));
      peer.end();
      await closed;
      assert.equal(client.status, "closed");
    });

    test("happens with `await using`", async () => {
      const name = freshName();
      const kept: { readonly status: string }[] = [];
      {
        await using server = await startServer(name);
        await using client = await startClient(name);
        kept.push(server, client);
        await client.write(1, "hello");
        assert.equal((await server.read()).text, "hello");
      }
      assert.deepEqual(
        kept.map(({ status }) => status),
        ["closed", "closed"],
      );
    });
  });
});

onEachWire((wire, { connectedPair }) => {
  describe(`closing a client (${wire})`, { timeout }, () => {
    test("while it reconnects ends its tries", async (t) => {
      const { server, client } = await connectedPair(t, {
        client: { retryDelayMs: 60_000, maxRetryDelayMs: 60_000 },
      });
      const statuses = record<string>(client, "status");
      const errors = record<Error>(client, "error");
      const reading = assert.rejects(client.read(), { code: "ERR_CLOSED" });
      await server.close();
      await until(() => client.status === "reconnecting");
      await client.close();
      await reading;
      assert.deepEqual(statuses, ["reconnecting", "closing", "closed"]);
      assert.deepEqual(errors, []);
    });

    test("in the handshake of a reconnect finishes that first", async (t) => {
      const { client, peer, raw } = await clientOfRaw(t);
      peer.end();
      const next = await raw.accept();
      next.send(plainHello);
      assert.deepEqual(await next.receive(1), accepted);
      const closed = client.close();
      assert.equal(await isSettled(closed), false);
      next.send(plainWire.maximumSize(100));
      assert.equal((await next.receive(1)).length, 1);
      assert.deepEqual(await next.receiveToEnd(), new Uint8Array(0));
      next.end();
      await closed;
      assert.equal(client.status, "closed");
    });

    test("in a listener for its status, whichever it is, ends it", async (t) => {
      for (const wanted of ["reconnecting", "connected"]) {
        const { client, peer, raw } = await clientOfRaw(t);
        const statuses = record<string>(client, "status");
        const closed = nextEvent(client, "close");
        client.on("status", (status) => {
          if (status === wanted) void client.close();
        });
        peer.end();
        if (wanted === "connected") {
          const next = await raw.accept();
          await openAsServer(next);
          await next.receiveToEnd();
          next.end();
        }
        await closed;
        const expected = ["reconnecting", "connected", "closing", "closed"];
        assert.deepEqual(statuses, wanted === "connected" ? expected : expected.toSpliced(1, 1));
      }
    });

    test("in the listener for an error ends it", async (t) => {
      const { client, peer } = await clientOfRaw(t);
      client.on("error", () => void client.close());
      peer.send(Uint8Array.of(0, 0, 0, 0));
      await nextEvent(client, "close");
      assert.equal(client.status, "closed");
    });

    test("that has failed changes nothing, and drops what was not read", async (t) => {
      const { client, peer, raw } = await clientOfRaw(t);
      const closes = record(client, "close");
      peer.send(plainWire.message(1, new Uint8Array(0)), plainWire.message(2, new Uint8Array(0)));
      peer.end();
      (await raw.accept()).send(Uint8Array.of(3, 0));
      await until(() => closes.length === 1);
      assert.equal((await client.read()).type, 1);
      await client.close();
      client.destroy();
      await assert.rejects(client.read(), { code: "ERR_VERSION_MISMATCH" });
      await turns();
      assert.equal(closes.length, 1);
      assert.equal(client.status, "error");
    });
  });
});

onEachWire((wire, { connectedPair, freshServer }) => {
  describe(`closing a server (${wire})`, { timeout }, () => {
    test("in the handshake of a client waits for that, and no longer than closeTimeoutMs", async (t) => {
      const server = await freshServer(t, { ...plain, closeTimeoutMs: 10 });
      const errors = record<SealpipeError>(server, "error");
      const silent = await RawPeer.connect(server.address);
      t.after(() => silent.destroy());
      await silent.receive(2);
      await server.close();
      assert.deepEqual(
        errors.map(({ code }) => code),
        ["ERR_CLOSE_TIMEOUT"],
      );
      assert.deepEqual(await silent.receiveToEnd(), new Uint8Array(0));
    });

    test("gives its name to the next at once", async (t) => {
      const { server } = await connectedPair(t);
      await server.close();
      const next = await startServer(server.name);
      await next.close();
    });

    test("drops a client that comes while it closes", async (t) => {
      const server = await freshServer(t, plain);
      const connections = record<Connection>(server, "connection");
      const connecting = RawPeer.connect(server.address).catch((error: NodeJS.ErrnoException) => {
        // Bun may close the listening socket before it accepts who waits at it, and Deno connects later than it is asked to.
        assert.match(error.code as string, /^(ECONNRESET|ENOENT)$/);
      });
      const closing = server.close();
      const peer = await connecting;
      if (peer !== undefined) assert.deepEqual(await peer.receiveToEnd(), new Uint8Array(0));
      peer?.destroy();
      await closing;
      assert.deepEqual(connections, []);
    });
  });
});

describe("a peer that never reads", { timeout }, () => {
  test("holds up a client's close for closeTimeoutMs, and is told as an error", async (t) => {
    const { client } = await clientOfRaw(t, { closeTimeoutMs: lastingMs });
    const errors = record<SealpipeError>(client, "error");
    const room = client.write(1, pattern(3_000_000)) as Promise<void>;
    const flush = client.flush();
    const rejected = assert.rejects(flush, { code: "ERR_CLOSED" });
    await lasts(() => client.close());
    await rejected;
    await room;
    assert.equal(client.status, "closed");
    assert.deepEqual(
      errors.map(({ code }) => code),
      ["ERR_CLOSE_TIMEOUT"],
    );
  });

  test("holds up a server's close for closeTimeoutMs, and is told as an error of its connection", async (t) => {
    const server = await freshServer(t, { ...plain, closeTimeoutMs: lastingMs });
    const { connection } = await rawClientOf(t, server);
    const failed = nextEvent<[SealpipeError, Connection]>(server, "error");
    const atConnection = nextEvent<[SealpipeError]>(connection, "error");
    const room = connection.write(1, pattern(3_000_000)) as Promise<void>;
    const rejected = assert.rejects(connection.flush(), { code: "ERR_CLOSE_TIMEOUT" });
    await lasts(() => server.close());
    await rejected;
    await room;
    const [error, which] = await failed;
    assert.equal(error.code, "ERR_CLOSE_TIMEOUT");
    assert.equal(which, connection);
    assert.equal((await atConnection)[0], error);
    assert.equal(connection.status, "error");
    assert.equal(server.status, "closed");
  });

  test("but takes something now and then holds up the close until it has all", async (t) => {
    const { client, peer } = await clientOfRaw(t, { closeTimeoutMs: 1_000 });
    const errors = record<Error>(client, "error");
    for (let type = 1; type <= 20; type++) void client.write(type, pattern(100_000, type));
    const closed = client.close();
    for (let type = 1; type <= 20; type++) {
      await turns(100);
      const expected = plainWire.message(type, pattern(100_000, type));
      assert.ok(Buffer.from(await peer.receive(expected.length)).equals(expected));
    }
    await peer.receiveToEnd();
    peer.end();
    await closed;
    assert.deepEqual(errors, []);
  });

  test("and never ends its side is waited for no longer than it takes to be sure", async (t) => {
    const { client, peer } = await clientOfRaw(t, { closeTimeoutMs: 20 });
    const errors = record<Error>(client, "error");
    await client.write(1, "taken");
    await peer.receive(13);
    await client.close();
    assert.deepEqual(errors, [], "everything has left");
  });
});

describe("destroying", { timeout }, () => {
  for (const options of [{ profile: "classic" }, { resumeWindowMs: 0 }] as const) {
    test(`a client drops its connection at once (${JSON.stringify(options)})`, async (t) => {
      const { client, connection, server } = await connectedPair(t, { server: options });
      const closed = nextEvent(client, "close");
      const reading = assert.rejects(client.read(), given);
      const left = nextEvent(connection, "close");
      client.destroy(given);
      client.destroy();
      assert.throws(() => client.write(1, ""), { code: "ERR_CLOSED" });
      await closed;
      await reading;
      await left;
      assert.deepEqual(server.connections, []);
      assert.equal(client.status, "error");
      await client.close();
    });
  }

  for (const who of ["client", "connection", "server"] as const) {
    test(`a ${who} for an error leaves it in status error, and without one closed, with no error event`, async (t) => {
      for (const error of [given, undefined]) {
        const endpoint = (await connectedPair(t))[who];
        const errors = record(endpoint, "error");
        const expected = error ?? { code: "ERR_CLOSED" };
        const read = assert.rejects(endpoint.read(), expected);
        const closed = nextEvent(endpoint, "close");
        endpoint.destroy(error);
        endpoint.destroy(new Error("a later one"));
        await Promise.all([read, closed, endpoint.close()]);
        endpoint.destroy(new Error("one after the end"));
        await assert.rejects(endpoint.read(), expected);
        assert.equal(endpoint.status, error === undefined ? "closed" : "error");
        assert.deepEqual(errors, []);
      }
    });
  }

  test("for an error rejects who waits for a flush with it", async (t) => {
    const { client } = await clientOfRaw(t);
    const server = await freshServer(t, plain);
    const { connection } = await rawClientOf(t, server);
    for (const endpoint of [client, connection]) {
      void endpoint.write(1, pattern(3_000_000));
      const flush = assert.rejects(endpoint.flush(), given);
      endpoint.destroy(given);
      await flush;
    }
  });

  test("a client rejects whoever waits for a flush, and lets writers go on", async (t) => {
    const { client } = await clientOfRaw(t);
    const room = client.write(1, pattern(3_000_000)) as Promise<void>;
    const flush = client.flush();
    const rejected = assert.rejects(flush, { code: "ERR_CLOSED" });
    client.destroy();
    await rejected;
    await room;
    assert.throws(() => client.write(1, ""), { code: "ERR_CLOSED" });
  });

  test("a client ends a close that hangs", async (t) => {
    const { client } = await clientOfRaw(t, { closeTimeoutMs: 3_600_000 });
    void client.write(1, pattern(3_000_000));
    const closed = client.close();
    assert.equal(await isSettled(closed), false);
    client.destroy();
    await closed;
  });

  test("a client in the handshake of a reconnect drops that", async (t) => {
    const { client, peer, raw } = await clientOfRaw(t);
    peer.end();
    const next = await raw.accept();
    next.send(plainHello);
    await next.receive(1);
    client.destroy();
    await client.close();
    assert.deepEqual(await next.receiveToEnd(), new Uint8Array(0));
  });

  test("a server drops every client at once, and rejects its reads with the error", async (t) => {
    const server = await freshServer(t, { ...plain, closeTimeoutMs: 3_600_000 });
    const one = await rawClientOf(t, server);
    const other = await rawClientOf(t, server);
    void one.connection.write(1, pattern(3_000_000));
    const reads = [server.read(), one.connection.read(), other.connection.read()];
    const rejected = reads.map((reading) => assert.rejects(reading, given));
    server.destroy(given);
    await Promise.all(rejected);
    await server.close();
    assert.equal(server.status, "error");
    assert.deepEqual(server.connections, []);
    assert.deepEqual(await other.peer.receiveToEnd(), new Uint8Array(0));
  });

  test("a server ends a close that hangs", async (t) => {
    const server = await freshServer(t, { ...plain, closeTimeoutMs: 3_600_000 });
    const { connection } = await rawClientOf(t, server);
    void connection.write(1, pattern(3_000_000));
    const closed = server.close();
    await turns();
    assert.equal(await isSettled(closed), false);
    server.destroy();
    await closed;
  });

  test("a connection ends a close that hangs", async (t) => {
    const server = await freshServer(t, { ...plain, closeTimeoutMs: 3_600_000 });
    const { connection } = await rawClientOf(t, server);
    void connection.write(1, pattern(3_000_000));
    const closed = connection.close();
    assert.equal(await isSettled(closed), false);
    connection.destroy();
    await closed;
  });
});
