import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Connection,
  type ConnectionMessage,
  PeerError,
  type SealpipeError,
  startServer,
} from "sealpipe";
import { parseServerOptions } from "#dist/endpoint/options/parse-options.js";
import { Server } from "#dist/endpoint/server/server.js";
import type { Transport, TransportProvider } from "#dist/transport/transport.js";
import { never } from "../../support/accepting.ts";
import { pattern, uint32 } from "../../support/bytes.ts";
import { clientAt, connectTo, freshServer, onEachWire, rawClientOf } from "../../support/endpoints.ts";
import { plainWire } from "../../support/hand-made-peer.ts";
import { createMemoryTransports } from "../../support/memory-transport.ts";
import { freshName } from "../../support/names.ts";
import {
  accepted,
  addressOf,
  confirmation,
  openAsClient,
  plainHello,
  RawPeer,
} from "../../support/raw-peer.ts";
import { isSettled, nextEvent, record, turns, until } from "../../support/waiting.ts";

const timeout = 60_000;

describe("a server", { timeout }, () => {
  test("listens if its name says, and has no clients yet", async (t) => {
    const name = freshName();
    const server = await startServer(name);
    t.after(() => server.close());
    assert.equal(server.name, name);
    assert.equal(server.address, addressOf(name));
    assert.equal(server.status, "listening");
    assert.deepEqual(server.connections, []);
  });

  test("refuses names and options that are not allowed", async () => {
    await assert.rejects(startServer("no/slashes"), { code: "ERR_INVALID_NAME" });
    await assert.rejects(startServer("n".repeat(300)), { code: "ERR_ADDRESS_TOO_LONG" });
    await assert.rejects(startServer(freshName(), { maxConnections: 0 }), { code: "ERR_INVALID_OPTION" });
    await assert.rejects(startServer(freshName(), { port: 80 } as object), { code: "ERR_INVALID_OPTION" });
  });

  test("reports no client before the caller that started it can listen", async (t) => {
    const memory = createMemoryTransports();
    const address = { kind: "unix-socket", path: "/somewhere" } as const;
    const clients: Transport[] = [];
    // A client that comes, and says all that it has to, while the server is still being started.
    const slow: TransportProvider = {
      connect: memory.connect,
      async listen(at, options) {
        const listener = await memory.listen(at, options);
        const transport = await memory.connect(at, never);
        clients.push(transport);
        transport.write([accepted, confirmation]);
        await turns();
        return listener;
      },
    };
    const InternalServer = Server as unknown as new (
      ...given: unknown[]
    ) => Server & { listen(provider: TransportProvider): Promise<void> };
    const server = new InternalServer("my-app", address, parseServerOptions({ encryption: false }));
    t.after(() => server.destroy());
    await server.listen(slow);
    const [connection] = await nextEvent<[Connection]>(server, "connection");
    assert.deepEqual(server.connections, [connection]);
    for (const transport of clients) transport.destroy();
  });

  test("gives each client a connection with a number of its own", async (t) => {
    const server = await freshServer(t);
    const one = await connectTo(t, server);
    const other = await connectTo(t, server);
    assert.notEqual(one.connection.id, other.connection.id);
    assert.deepEqual(server.connections, [one.connection, other.connection]);
    (server.connections as Connection[]).pop();
    assert.equal(server.connections.length, 2, "the list is the caller's");

    await one.client.close();
    await until(() => server.connections.length === 1);
    assert.deepEqual(server.connections, [other.connection]);
  });

  for (const encryption of [true, false]) {
    test(`keeps the order of each of 20 clients at once, ${encryption ? "sealed" : "in the clear"}`, async (t) => {
      const clients = 20;
      const each = 200;
      const server = await freshServer(t, { encryption });
      server.on("message", ({ type, data, connection }) => connection.write(type, data));

      async function run(index: number): Promise<void> {
        const client = await clientAt(t, server.name, { encryption });
        const writing = (async () => {
          for (let count = 1; count <= each; count++) await client.write(count, `${index}:${count}`);
        })();
        for (let count = 1; count <= each; count++) {
          const { type, text } = await client.read();
          assert.equal(type, count);
          assert.equal(text, `${index}:${count}`);
        }
        await writing;
        await client.close();
      }

      await Promise.all(Array.from({ length: clients }, (_, index) => run(index)));
    });
  }
});

onEachWire((wire, { connectedPair, freshServer }) => {
  describe(`a server's messages (${wire})`, { timeout }, () => {
    test("are those of all clients, by read, by iteration and by listener", async (t) => {
      const server = await freshServer(t);
      const one = await connectTo(t, server);
      const other = await connectTo(t, server);

      await one.client.write(1, "by read");
      const first = await server.read();
      assert.equal(first.connection, one.connection);
      assert.equal(first.text, "by read");

      await other.client.write(2, "by iteration");
      for await (const message of server) {
        assert.equal(message.connection, other.connection);
        assert.equal(message.text, "by iteration");
        break;
      }

      const heard = nextEvent<[ConnectionMessage]>(server, "message");
      await one.client.write(3, "by listener");
      const [message] = await heard;
      assert.equal(message.connection, one.connection);
      assert.equal(message.text, "by listener");
    });

    test("go to a connection of which they are asked; the others' stay the server's", async (t) => {
      const server = await freshServer(t);
      const claimed = await connectTo(t, server);
      const unclaimed = await connectTo(t, server);
      for (const text of ["a", "b"]) {
        await claimed.client.write(1, `claimed ${text}`);
        await unclaimed.client.write(1, `unclaimed ${text}`);
      }
      await turns(50);

      // They waited at the server when the connection was asked.
      assert.equal((await claimed.connection.read()).text, "claimed a");
      assert.equal((await server.read()).text, "unclaimed a");
      assert.equal((await server.read()).text, "unclaimed b");
      await claimed.client.write(1, "claimed c");
      assert.equal((await claimed.connection.read()).text, "claimed b");
      assert.equal((await claimed.connection.read()).text, "claimed c");
      assert.equal(await isSettled(server.read()), false);
    });

    for (const [how, take] of [
      [
        "read",
        (connection: Connection, seen: string[]) => connection.read().then(({ text }) => seen.push(text)),
      ],
      [
        "iterating",
        async (connection: Connection, seen: string[]) => {
          for await (const { text } of connection) seen.push(text);
        },
      ],
      [
        "listening",
        async (connection: Connection, seen: string[]) => {
          connection.on("message", ({ text }) => seen.push(text));
        },
      ],
    ] as const) {
      test(`are claimed by ${how}`, async (t) => {
        const { server, client, connection } = await connectedPair(t);
        const atServer = record<ConnectionMessage>(server, "message");
        const seen: string[] = [];
        const taking = take(connection, seen);
        await client.write(1, "mine");
        await until(() => seen.length > 0);
        assert.deepEqual(seen, ["mine"]);
        assert.equal(atServer.length, 0);
        await client.close();
        await taking;
      });
    }

    test("keep their order if a connection is claimed with more on its way than may wait", async (t) => {
      const count = 2_000;
      const { client, connection } = await connectedPair(t, { server: { maxQueuedBytes: 10_000 } });
      for (let type = 1; type <= count; type++) void client.write(type, "x".repeat(50));
      await turns();
      const types: number[] = [];
      connection.on("message", ({ type }) => types.push(type));
      await until(() => types.length === count);
      assert.deepEqual(
        types,
        Array.from({ length: count }, (_, index) => index + 1),
      );
    });

    test("keep their order if a listener comes while one larger than may wait does", async (t) => {
      const { server, client } = await connectedPair(t, { server: { maxQueuedBytes: 10_000 } });
      void client.write(1, "x".repeat(20_000));
      for (let type = 2; type <= 5; type++) void client.write(type, "");
      await turns();
      const types: number[] = [];
      server.on("message", ({ type }) => types.push(type));
      await until(() => types.length === 5);
      assert.deepEqual(types, [1, 2, 3, 4, 5]);
    });

    test("that arrived before their client left can be read after it", async (t) => {
      const { server, client, connection } = await connectedPair(t);
      for (let type = 1; type <= 3; type++) await client.write(type, "");
      const left = nextEvent(connection, "close");
      await client.close();
      await left;
      assert.equal((await server.read()).type, 1);
      // Those that are left move to the connection, which has ended after them.
      assert.equal((await connection.read()).type, 2);
      assert.equal((await connection.read()).type, 3);
      await assert.rejects(connection.read(), { code: "ERR_CLOSED" });
    });
  });
});

onEachWire((wire, { freshServer }) => {
  describe(`broadcasting (${wire})`, { timeout }, () => {
    test("writes to every client", async (t) => {
      const server = await freshServer(t);
      const clients = [await connectTo(t, server), await connectTo(t, server), await connectTo(t, server)];
      assert.equal(server.broadcast(4, "to all"), undefined, "there is room");
      for (const { client } of clients) {
        const { type, text } = await client.read();
        assert.equal(type, 4);
        assert.equal(text, "to all");
      }
    });

    test("writes to all but those that are excluded", async (t) => {
      const server = await freshServer(t);
      const [one, other] = [await connectTo(t, server), await connectTo(t, server)];
      server.broadcast(4, "to the other", { except: new Set([one.connection]) });
      server.broadcast(5, "to both", { except: new Set([{}]) });
      assert.equal((await one.client.read()).type, 5);
      assert.equal((await other.client.read()).type, 4);
      for (const except of [[one.connection], one.connection, null, "all"]) {
        assert.throws(() => server.broadcast(4, "", { except: except as never }), {
          code: "ERR_INVALID_OPTION",
        });
      }
    });

    test("to nobody does nothing, and wrong messages are refused all the same", async (t) => {
      const server = await freshServer(t, { maxMessageBytes: 10 });
      assert.equal(server.broadcast(1, "to nobody"), undefined);
      assert.throws(() => server.broadcast(0, ""), { code: "ERR_RESERVED_TYPE" });
      assert.throws(() => server.broadcast(1.5, ""), { code: "ERR_TYPE_OUT_OF_RANGE" });
      assert.throws(() => server.broadcast(1, "x".repeat(11)), { code: "ERR_MESSAGE_TOO_LARGE" });
      assert.throws(() => server.broadcast(1, 5 as unknown as string), { code: "ERR_INVALID_ARGUMENT" });
      await server.close();
      assert.throws(() => server.broadcast(1, ""), { code: "ERR_CLOSED" });
    });

    test("gives a promise that waits for the slowest client", async (t) => {
      const server = await freshServer(t, { encryption: false, maxQueuedBytes: 4_000_000 });
      const reader = await connectTo(t, server, { encryption: false });
      reader.client.on("message", () => {});
      const slow = await rawClientOf(t, server);
      const room = server.broadcast(1, pattern(2_000_000));
      assert.ok(room instanceof Promise);
      assert.equal(await isSettled(room), false);
      await slow.peer.receive(2_000_008);
      await room;
    });

    test("settles even if the slowest client goes", async (t) => {
      const server = await freshServer(t, { encryption: false, maxQueuedBytes: 4_000_000 });
      const slow = await rawClientOf(t, server);
      const room = server.broadcast(1, pattern(2_000_000));
      assert.equal(await isSettled(room), false);
      slow.peer.destroy();
      await room;
    });

    test("drops a client that never reads, if that is asked for, with an error, and the others get everything", async (t) => {
      const rounds = 40;
      const server = await freshServer(t, { encryption: false, maxQueuedBytes: 1_000_000 });
      const hung = await rawClientOf(t, server);
      const plain = { encryption: false };
      const one = await connectTo(t, server, plain);
      const other = await connectTo(t, server, plain);
      const readers = [one.client, other.client];
      const errors: [SealpipeError, Connection][] = [];
      server.on("error", (error, connection) =>
        errors.push([error as SealpipeError, connection as Connection]),
      );

      for (let round = 1; round <= rounds; round++) {
        void server.broadcast(round, pattern(100_000, round), { slow: "drop" });
        for (const client of readers) {
          const { type, data } = await client.read();
          assert.equal(type, round);
          assert.ok(Buffer.from(data).equals(pattern(100_000, round)));
        }
      }
      assert.equal(errors.length, 1);
      const [[error, connection]] = errors as [[SealpipeError, Connection]];
      assert.equal(error.code, "ERR_QUEUE_FULL");
      assert.equal(connection, hung.connection);
      assert.equal(connection.status, "error");
      assert.equal(server.connections.length, 2);
    });

    test("passes over a client that never reads, reports it once and counts, and the others go on", async (t) => {
      const limits = { encryption: false, maxQueuedBytes: 1_000_000, broadcastGraceMs: 100 };
      const server = await freshServer(t, limits);
      const stalled = await rawClientOf(t, server);
      const { client } = await connectTo(t, server, { encryption: false });
      const errors = record<SealpipeError>(server, "error");
      const received: number[] = [];
      client.on("message", ({ type }) => received.push(type));
      for (let round = 1; round <= 200; round++) {
        await server.broadcast(round, pattern(10_000));
        // Each time, as on a busy machine the client that reads would be slow, too.
        await until(() => received.length === round);
      }
      assert.deepEqual(
        errors.map(({ code }) => code),
        ["ERR_QUEUE_FULL"],
      );
      const { skippedMessages } = stalled.connection;
      assert.equal(stalled.connection.status, "connected");
      assert.ok(skippedMessages > 0 && skippedMessages < 200, `${skippedMessages}`);
      await server.broadcast(1, pattern(10_000));
      assert.equal(stalled.connection.skippedMessages, skippedMessages + 1);
    });

    test("goes on with a client that was passed over once that reads again", async (t) => {
      const limits = { maxQueuedBytes: 1_000_000, broadcastGraceMs: 20 };
      const server = await freshServer(t, limits);
      const { client, connection } = await connectTo(t, server);
      while (connection.skippedMessages === 0) await server.broadcast(1, pattern(100_000));
      client.on("message", ({ type }) => {
        if (type === 1) return;
        assert.equal(type, 2);
        told();
      });
      let told = (): void => {};
      const heard = new Promise<void>((resolve) => {
        told = resolve;
      });
      await until(() => connection.queuedBytes === 0);
      await server.broadcast(2, "back again");
      await heard;
    });

    test("waits for as long as it takes, if that is asked for", async (t) => {
      const limits = { encryption: false, maxQueuedBytes: 1_000_000, broadcastGraceMs: 1 };
      const server = await freshServer(t, limits);
      const slow = await rawClientOf(t, server);
      const room = server.broadcast(1, pattern(2_000_000), { slow: "wait" });
      // As long as the grace of another takes.
      const { client } = await connectTo(t, server, { encryption: false });
      await client.read({ timeoutMs: 50 }).catch(() => {});
      assert.equal(await isSettled(room), false);
      await slow.peer.receive(2_000_008);
      await room;
    });

    test("takes no other way to deal with slow clients", async (t) => {
      const server = await freshServer(t);
      const options = { slow: "kick" } as object;
      assert.throws(() => server.broadcast(1, "", options), { code: "ERR_INVALID_OPTION" });
    });

    test("passes over a client that is just being closed", async (t) => {
      const server = await freshServer(t);
      const closing = await connectTo(t, server);
      const other = await connectTo(t, server);
      void closing.connection.close();
      assert.equal(server.connections.length, 2);
      await server.broadcast(1, "to those that stay");
      assert.equal((await other.client.read()).text, "to those that stay");
    });
  });
});

describe("a server's limits", { timeout }, () => {
  test("maxConnections drops further clients, with an error each, until one leaves", async (t) => {
    const server = await freshServer(t, { maxConnections: 2 });
    const errors = record<PeerError>(server, "error");
    const first = await connectTo(t, server);
    await connectTo(t, server);

    const third = clientAt(t, server.name);
    await until(() => errors.length >= 2);
    for (const error of errors) {
      assert.ok(error instanceof PeerError);
      assert.equal(error.code, "ERR_TOO_MANY_CONNECTIONS");
      assert.match(error.message, /maxConnections \(2\)/);
    }
    assert.equal(server.connections.length, 2);
    await first.client.close();
    // It keeps trying, and gets the place that was left.
    await third;
    await until(() => server.connections.length === 2);
  });

  test("maxPendingHandshakes lets the oldest handshake go for the newest, with an error", async (t) => {
    const server = await freshServer(t, { maxPendingHandshakes: 2 });
    const failed: [PeerError, Connection | undefined][] = [];
    server.on("error", (error, connection) => failed.push([error as PeerError, connection]));
    const silent = [await RawPeer.connect(server.address), await RawPeer.connect(server.address)];
    for (const peer of silent) {
      t.after(() => peer.destroy());
      assert.equal((await peer.receive(2))[0], 2);
    }
    await connectTo(t, server);
    assert.deepEqual(await silent[0]?.receiveToEnd(), new Uint8Array(0));
    assert.equal(failed.length, 1);
    const [[error, connection]] = failed as [[PeerError, Connection | undefined]];
    assert.ok(error instanceof PeerError);
    assert.equal(error.code, "ERR_TOO_MANY_HANDSHAKES");
    assert.match(error.message, /maxPendingHandshakes \(2\)/);
    assert.equal(connection, undefined);

    // There are two places again, since the client's handshake is over.
    const further = await RawPeer.connect(server.address);
    t.after(() => further.destroy());
    await further.receive(2);
    assert.equal(failed.length, 1);
  });

  test("a client displaces one in the handshake if all of maxConnections are in use", async (t) => {
    const server = await freshServer(t, { maxConnections: 2 });
    const errors = record<PeerError>(server, "error");
    const first = await connectTo(t, server);
    const silent = await RawPeer.connect(server.address);
    t.after(() => silent.destroy());
    await silent.receive(2);
    const second = await connectTo(t, server);
    assert.deepEqual(await silent.receiveToEnd(), new Uint8Array(0));
    assert.deepEqual(
      errors.map(({ code }) => code),
      ["ERR_TOO_MANY_HANDSHAKES"],
    );
    assert.deepEqual(server.connections, [first.connection, second.connection]);
  });

  test("a listener that closes the server when a handshake gives way ends them all", async (t) => {
    const server = await freshServer(t, { maxPendingHandshakes: 1, closeTimeoutMs: 5 });
    server.once("error", () => server.close());
    const peers = [await RawPeer.connect(server.address), await RawPeer.connect(server.address)];
    for (const peer of peers) await peer.receiveToEnd();
    await server.close();
    for (const peer of peers) peer.destroy();
  });
});

describe("a bad peer", { timeout }, () => {
  /** What it sends in place of what is right, and the code that this ends in. */
  const inHandshake: [string, Uint8Array, string][] = [
    ["refuses the version", Uint8Array.of(1), "ERR_VERSION_MISMATCH"],
    ["insists on the encryption that is off", Uint8Array.of(2), "ERR_ENCRYPTION_REQUIRED"],
    ["refuses for no reason", Uint8Array.of(3), "ERR_HANDSHAKE_REJECTED"],
    ["speaks HTTP", Buffer.from("GET / HTTP/1.1\r\n\r\n"), "ERR_HANDSHAKE_REJECTED"],
  ];
  const inSession: [string, Uint8Array, string][] = [
    ["sends a frame shorter than a type", Uint8Array.of(0, 0, 0, 3, 1, 1, 1), "ERR_FRAME_TOO_SHORT"],
    ["announces more than maxMessageBytes", uint32(0xffff_ffff), "ERR_PEER_MESSAGE_TOO_LARGE"],
  ];

  /** Does the harm, and checks that the server and a healthy client go on. */
  async function checkHarm(
    t: Parameters<typeof freshServer>[0],
    harm: (address: string) => Promise<RawPeer>,
    { code, established }: { readonly code: string; readonly established: boolean },
  ): Promise<void> {
    const server = await freshServer(t, { encryption: false });
    const { client, connection: healthy } = await connectTo(t, server, { encryption: false });
    const failed = nextEvent<[PeerError, Connection | undefined]>(server, "error");
    const peer = await harm(server.address);
    t.after(() => peer.destroy());
    const [error, connection] = await failed;
    assert.ok(error instanceof PeerError);
    assert.equal(error.code, code);
    assert.notEqual(connection, healthy);
    // A handshake that comes to nothing is no connection.
    assert.equal(connection?.status, established ? "error" : undefined);
    const closed = connection && nextEvent(connection, "close");
    await peer.receiveToEnd();
    await closed;

    await client.write(1, "still here");
    assert.equal((await server.read()).text, "still here");
    assert.deepEqual(server.connections, [healthy]);
    await connectTo(t, server, { encryption: false });
  }

  for (const [what, bytes, code] of inHandshake) {
    test(`that ${what} in the handshake ends its own connection with ${code}`, (t) =>
      checkHarm(
        t,
        async (address) => {
          const peer = await RawPeer.connect(address);
          assert.deepEqual(await peer.receive(2), plainHello);
          peer.send(bytes);
          return peer;
        },
        { code, established: false },
      ));
  }

  for (const [what, bytes, code] of inSession) {
    test(`that ${what} ends its own connection with ${code}`, (t) =>
      checkHarm(
        t,
        async (address) => {
          const peer = await RawPeer.connect(address);
          await openAsClient(peer);
          peer.send(bytes);
          return peer;
        },
        { code, established: true },
      ));
  }

  test("that hangs up in the handshake ends its own connection with ERR_CONNECTION_LOST", (t) =>
    checkHarm(
      t,
      async (address) => {
        const peer = await RawPeer.connect(address);
        await peer.receive(2);
        peer.send(accepted);
        peer.end();
        return peer;
      },
      { code: "ERR_CONNECTION_LOST", established: false },
    ));

  test("that hangs up within a frame ends its own connection with ERR_CONNECTION_LOST", (t) =>
    checkHarm(
      t,
      async (address) => {
        const peer = await RawPeer.connect(address);
        await openAsClient(peer);
        peer.send(plainWire.message(1, pattern(10)).subarray(0, 9));
        peer.end();
        return peer;
      },
      { code: "ERR_CONNECTION_LOST", established: true },
    ));

  test("that sends what was not sealed ends its own connection", async (t) => {
    const server = await freshServer(t);
    const { client } = await connectTo(t, server);
    const failed = nextEvent<[PeerError]>(server, "error");
    const peer = await RawPeer.connect(server.address);
    t.after(() => peer.destroy());
    await peer.receive(2);
    peer.send(accepted);
    await peer.receive(97);
    peer.send(new Uint8Array(97).fill(4));
    assert.equal((await failed)[0].code, "ERR_INVALID_PUBLIC_KEY");
    await client.write(1, "still here");
    assert.equal((await server.read()).text, "still here");
  });

  test("is reported at its connection too, if the application has it", async (t) => {
    const server = await freshServer(t, { encryption: false });
    const { peer, connection } = await rawClientOf(t, server);
    const told: string[] = [];
    connection.on("error", (error) => told.push(`connection: ${error.code}`));
    server.on("error", (error) => told.push(`server: ${(error as SealpipeError).code}`));
    connection.on("close", () => told.push("close"));
    const waiting = connection.read();
    peer.send(uint32(0));
    await assert.rejects(waiting, { code: "ERR_FRAME_TOO_SHORT" });
    await until(() => told.includes("close"));
    assert.deepEqual(told, ["connection: ERR_FRAME_TOO_SHORT", "server: ERR_FRAME_TOO_SHORT", "close"]);
  });

  test("harms nobody if no one listens for errors", async (t) => {
    const server = await freshServer(t, { encryption: false });
    const { peer } = await rawClientOf(t, server);
    peer.send(uint32(0));
    await peer.receiveToEnd();
    assert.equal(server.status, "listening");
  });
});
