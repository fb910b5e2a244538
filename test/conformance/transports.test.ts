import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { SystemError } from "sealpipe";
import { type Address, resolveAddress } from "#dist/transport/address.js";
import { namedPipes } from "#dist/transport/named-pipe.js";
import type { Transport, TransportProvider } from "#dist/transport/transport.js";
import { unixSockets } from "#dist/transport/unix-socket.js";
import { Accepting, never } from "../support/accepting.ts";
import { concat, pattern } from "../support/bytes.ts";
import { byteAtATime, cutInto, whole } from "../support/cutting.ts";
import { providerOfDuplexes, sockets, webSockets } from "../support/duplex-transports.ts";
import { createMemoryTransports } from "../support/memory-transport.ts";
import { freshName } from "../support/names.ts";
import { noUnixSockets, onWindows, sharesPipeNames } from "../support/platform.ts";
import { RecordingHandler } from "../support/recording-handler.ts";
import { turns, until } from "../support/waiting.ts";

interface Subject {
  readonly title: string;
  readonly provider: TransportProvider;
  readonly skip: string | false;
  /** Whether one side can end while the other goes on. */
  readonly halfClose: boolean;
}

const subjects: readonly Subject[] = [
  {
    title: "unix sockets",
    provider: unixSockets,
    skip: noUnixSockets,
    halfClose: true,
  },
  {
    title: "named pipes",
    provider: namedPipes,
    skip: !onWindows && "named pipes exist on Windows only",
    halfClose: false,
  },
  { title: "memory transports", provider: createMemoryTransports(), skip: false, halfClose: true },
  {
    title: "sockets as duplexes that are handed in",
    provider: providerOfDuplexes(sockets),
    skip: noUnixSockets,
    halfClose: true,
  },
  {
    title: "WebSockets as duplexes that are handed in",
    provider: providerOfDuplexes(webSockets),
    skip: noUnixSockets,
    halfClose: false,
  },
];

const mebibyte = 1_048_576;

function freshAddress(): Address {
  return resolveAddress(freshName(), { directory: "/tmp", platform: process.platform });
}

/**
 * Pauses the reader, and fills what it takes all the same: a reader that has asked for bytes already gets the first that
 * come, on Windows with Node 20 as many as there are. Gives what was written for that.
 */
async function stopReading({ server, client }: Record<"server" | "client", Transport>): Promise<Uint8Array> {
  server.pause();
  const first = pattern(65_536, 9);
  client.write([first]);
  await until(() => client.pendingBytes === 0);
  await turns(200);
  return first;
}

for (const { title, provider, skip, halfClose } of subjects) {
  /** The two ends of a fresh connection, dropped after the test. */
  async function connect(t: TestContext): Promise<[Transport, Transport]> {
    const address = freshAddress();
    const accepting = await Accepting.listen(provider, address);
    const client = await provider.connect(address, never);
    const server = await accepting.next();
    t.after(() => {
      client.destroy();
      server.destroy();
    });
    return [client, server];
  }

  /** The same, both started. */
  async function start(t: TestContext) {
    const [client, server] = await connect(t);
    return {
      client,
      server,
      atClient: RecordingHandler.start(client),
      atServer: RecordingHandler.start(server),
    };
  }

  describe(title, { skip, timeout: 60_000 }, () => {
    for (const [how, cutting] of [
      ["as one", whole],
      ["byte by byte", byteAtATime],
      ["in odd pieces", cutInto([1, 4096, 3, 70_000])],
    ] as const) {
      test(`carry bytes that were written ${how}, in order`, async (t) => {
        const { client, atServer } = await start(t);
        const bytes = pattern(how === "byte by byte" ? 2_000 : 200_000);
        for (const chunk of cutting(bytes)) client.write([chunk]);
        assert.deepEqual(await atServer.receive(bytes.length), bytes);
      });
    }

    test("carry the parts of one write in their order", async (t) => {
      const { client, atServer } = await start(t);
      const parts = [pattern(4, 1), new Uint8Array(0), pattern(100_000, 2), pattern(16, 3)];
      client.write(parts);
      client.write([pattern(5, 4)]);
      const all = concat(...parts, pattern(5, 4));
      assert.deepEqual(await atServer.receive(all.length), all);
    });

    test("carry both directions at once", async (t) => {
      const { client, server, atClient, atServer } = await start(t);
      const up = pattern(3 * mebibyte, 1);
      const down = pattern(3 * mebibyte, 2);
      for (const chunk of cutInto([50_000])(up)) client.write([chunk]);
      for (const chunk of cutInto([60_000])(down)) server.write([chunk]);
      assert.ok(Buffer.from(await atServer.receive(up.length)).equals(up));
      assert.ok(Buffer.from(await atClient.receive(down.length)).equals(down));
    });

    test("keep what arrives until they are started", async (t) => {
      const [client, server] = await connect(t);
      client.write([pattern(1_000)]);
      await turns();
      assert.deepEqual(await RecordingHandler.start(server).receive(1_000), pattern(1_000));
    });

    test("hold up a writer while the reader pauses, and tell it when all has left", async (t) => {
      const { client, server, atClient, atServer } = await start(t);
      const first = await stopReading({ server, client });
      const bytes = pattern(4 * mebibyte);
      for (const chunk of cutInto([65_536])(bytes)) client.write([chunk]);
      await turns();
      // The rest is in the system's buffers, which are small.
      assert.ok(client.pendingBytes > 3 * mebibyte, `${client.pendingBytes} bytes are pending`);
      assert.ok(atServer.receivedBytes < mebibyte);
      const drained = atClient.count("drained");

      server.resume();
      await until(() => atClient.count("drained") > drained);
      assert.equal(client.pendingBytes, 0);
      const all = concat(first, bytes);
      assert.ok(Buffer.from(await atServer.receive(all.length)).equals(all));
    });

    test("read nothing while they are paused, and go on where they were", async (t) => {
      const { client, server, atServer } = await start(t);
      client.write([pattern(10)]);
      await atServer.receive(10);
      server.pause();
      client.write([pattern(10, 1)]);
      await turns();
      assert.equal(atServer.receivedBytes, 10);
      server.resume();
      assert.deepEqual(await atServer.receive(20), concat(pattern(10), pattern(10, 1)));
    });

    test("tell the peer of an end after everything written before it", async (t) => {
      const { client, atServer } = await start(t);
      client.write([pattern(2 * mebibyte)]);
      client.end();
      await atServer.until("ended");
      assert.equal(atServer.receivedBytes, 2 * mebibyte);
    });

    const notOnPipes = !halfClose && "a pipe has no half-close";

    test("let the other side write after one has ended", { skip: notOnPipes }, async (t) => {
      const { client, server, atClient, atServer } = await start(t);
      client.end();
      await atServer.until("ended");
      const answer = pattern(2 * mebibyte);
      server.write([answer]);
      server.end();
      await atClient.until("ended");
      assert.ok(Buffer.from(atClient.received).equals(answer));
    });

    test("send what is pending when both sides have ended", { skip: notOnPipes }, async (t) => {
      const { client, server, atClient, atServer } = await start(t);
      client.pause();
      const bytes = pattern(2 * mebibyte);
      server.write([bytes]);
      server.end();
      client.end();
      await atServer.until("ended");
      await turns();
      assert.ok(server.pendingBytes > 0);
      client.resume();
      await atClient.until("closed");
      assert.ok(Buffer.from(atClient.received).equals(bytes));
    });

    test("are closed, without an error, once both sides have ended", async (t) => {
      const { client, server, atClient, atServer } = await start(t);
      client.end();
      await atServer.until("ended");
      server.end();
      await Promise.all([atClient.until("closed"), atServer.until("closed")]);
      assert.equal(atClient.closedWith, undefined);
      assert.equal(atServer.closedWith, undefined);
      assert.deepEqual(atClient.told, ["ended", "closed"]);
      assert.deepEqual(atServer.told, ["ended", "closed"]);
    });

    test("let the peer see that they were destroyed", async (t) => {
      const { client, server, atClient, atServer } = await start(t);
      client.destroy();
      await atClient.until("closed");
      await Promise.race([atServer.until("ended"), atServer.until("closed")]);
      server.end();
      await atServer.until("closed");
    });

    test("that end and are destroyed send what is pending first, and wait for nobody", async (t) => {
      const { client, server, atClient, atServer } = await start(t);
      const first = await stopReading({ server, client });
      const bytes = pattern(2 * mebibyte);
      client.write([bytes]);
      client.endAndDestroy();
      await turns();
      assert.equal(atClient.count("closed"), 0);
      server.resume();
      await atClient.until("closed");
      await atServer.until("ended");
      assert.ok(Buffer.from(atServer.received).equals(concat(first, bytes)));
    });

    test("that are destroyed with a full buffer hold up nobody", async (t) => {
      const { client, server, atClient } = await start(t);
      server.pause();
      client.write([pattern(mebibyte)]);
      client.write([pattern(mebibyte)]);
      await until(() => client.pendingBytes > 0);
      await turns();
      server.destroy();
      client.end();
      await atClient.until("closed");
    });

    test("tell of their end once, and of nothing after it", async (t) => {
      const { client, server, atClient, atServer } = await start(t);
      client.write([pattern(mebibyte)]);
      server.write([pattern(mebibyte)]);
      client.destroy();
      client.destroy();
      client.end();
      await atClient.until("closed");
      client.write([pattern(10)]);
      client.resume();
      await turns();
      assert.equal(atClient.count("closed"), 1);
      assert.equal(atClient.told.at(-1), "closed");
      // What was pending was dropped: it has not left.
      assert.equal(atClient.count("drained"), 0);

      server.destroy();
      await atServer.until("closed");
      await turns();
      assert.equal(atServer.count("closed"), 1);
      assert.equal(atServer.told.at(-1), "closed");
    });

    test("that are destroyed before they are started tell so when they are", async (t) => {
      const [client, server] = await connect(t);
      client.destroy();
      server.destroy();
      await turns();
      const atServer = RecordingHandler.start(server);
      await atServer.until("closed");
      assert.deepEqual(atServer.told, ["closed"]);
    });

    test("cannot connect to nobody", async () => {
      await assert.rejects(provider.connect(freshAddress(), never), (error) => {
        assert.ok(error instanceof SystemError);
        assert.equal(error.code, "ERR_CONNECT_FAILED");
        assert.equal((error.cause as NodeJS.ErrnoException).code, "ENOENT");
        return true;
      });
    });

    test("give up connecting with the signal's reason", async () => {
      const address = freshAddress();
      await Accepting.listen(provider, address);
      const reason = new Error("the user has gone");
      await assert.rejects(provider.connect(address, AbortSignal.abort(reason)), reason);

      const controller = new AbortController();
      const connecting = provider.connect(address, controller.signal);
      controller.abort(reason);
      await assert.rejects(connecting, reason);
    });

    test("do not mind a signal that comes after the connection", async (t) => {
      const address = freshAddress();
      const accepting = await Accepting.listen(provider, address);
      const controller = new AbortController();
      const client = await provider.connect(address, controller.signal);
      const server = await accepting.next();
      t.after(() => {
        client.destroy();
        server.destroy();
      });
      controller.abort();
      client.write([pattern(5)]);
      assert.deepEqual(await RecordingHandler.start(server).receive(5), pattern(5));
    });

    test("listen at an address only once", { skip: halfClose ? false : sharesPipeNames }, async (t) => {
      const address = freshAddress();
      const accepting = await Accepting.listen(provider, address);
      await assert.rejects(Accepting.listen(provider, address), (error) => {
        assert.ok(error instanceof SystemError);
        assert.equal(error.code, "ERR_ADDRESS_IN_USE");
        assert.match(error.message, /is in use/);
        return true;
      });

      const client = await provider.connect(address, never);
      const server = await accepting.next();
      t.after(() => {
        client.destroy();
        server.destroy();
      });
      client.write([pattern(5)]);
      assert.deepEqual(await RecordingHandler.start(server).receive(5), pattern(5));
    });

    test("give the address free when they stop listening, and what was accepted lives on", async (t) => {
      const address = freshAddress();
      const accepting = await Accepting.listen(provider, address);
      const client = await provider.connect(address, never);
      const server = await accepting.next();
      t.after(() => {
        client.destroy();
        server.destroy();
      });
      await accepting.close();
      // Windows waits half a minute for a server that listens, where a pipe of that name lives on.
      const patience = onWindows ? AbortSignal.timeout(500) : never;
      await assert.rejects(provider.connect(address, patience));

      server.write([pattern(mebibyte)]);
      const received = await RecordingHandler.start(client).receive(mebibyte);
      assert.ok(Buffer.from(received).equals(pattern(mebibyte)));

      const second = await Accepting.listen(provider, address);
      const other = await provider.connect(address, never);
      t.after(() => other.destroy());
      (await second.next()).destroy();
    });

    test("serve many connections, each with its own bytes", async (t) => {
      const address = freshAddress();
      const accepting = await Accepting.listen(provider, address);
      const clients = await Promise.all(Array.from({ length: 10 }, () => provider.connect(address, never)));
      clients.forEach((client, index) => {
        client.write([pattern(50_000, index)]);
      });
      const seeds = new Set<number>();
      for (const client of clients) {
        const server = await accepting.next();
        const received = await RecordingHandler.start(server).receive(50_000);
        const seed = clients.findIndex((_, index) => Buffer.from(received).equals(pattern(50_000, index)));
        seeds.add(seed);
        t.after(() => {
          client.destroy();
          server.destroy();
        });
      }
      assert.deepEqual(
        [...seeds].sort((a, b) => a - b),
        clients.map((_, index) => index),
      );
    });
  });
}
