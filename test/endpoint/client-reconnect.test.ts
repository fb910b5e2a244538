import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { describe, test } from "node:test";
import { type Client, type SealpipeError, SystemError } from "sealpipe";
import { pattern } from "../support/bytes.ts";
import { startServerProcess } from "../support/children.ts";
import { clientAt, clientOfRaw, connectedPair, freshServer, serverAt } from "../support/endpoints.ts";
import { plainWire } from "../support/hand-made-peer.ts";
import { freshName } from "../support/names.ts";
import { nativeFrame, weightOf } from "../support/native-frames.ts";
import { noHalfClose } from "../support/platform.ts";
import { addressOf, openAsServer } from "../support/raw-peer.ts";
import { isSettled, nextEvent, record, turns, until } from "../support/waiting.ts";

const timeout = 60_000;
const profiles = ["classic", "native"] as const;

async function untilStatus(client: Client, wanted: string): Promise<void> {
  while (client.status !== wanted) await nextEvent(client, "status");
}

describe("a client whose server goes", { timeout }, () => {
  test("goes on with the next one, even if the first was killed", async (t) => {
    const name = freshName();
    const first = await startServerProcess(name);
    const client = await clientAt(t, name);
    const statuses = record<string>(client, "status");
    const texts: string[] = [];
    const iterating = (async () => {
      for await (const { text } of client) texts.push(text);
    })();

    await client.write(1, "to the first");
    await until(() => texts.length === 1);
    await first.kill();
    await untilStatus(client, "reconnecting");
    await client.write(1, "to the second");
    const second = await startServerProcess(name);
    await until(() => texts.length === 2);
    assert.deepEqual(texts, ["to the first", "to the second"]);
    assert.deepEqual(statuses, ["reconnecting", "connected"]);

    await client.close();
    await iterating;
    assert.deepEqual(statuses, ["reconnecting", "connected", "closing", "closed"]);
    await second.kill();
    rmSync(addressOf(name), { force: true });
  });

  test("goes on if the server closes in order and another comes, without an error", async (t) => {
    const { server, client } = await connectedPair(t);
    const errors = record<Error>(client, "error");
    const reading = client.read();
    await server.close();
    await untilStatus(client, "reconnecting");
    const next = await serverAt(t, server.name);
    next.on("connection", (connection) => connection.write(2, "from the next"));
    assert.equal((await reading).text, "from the next");
    assert.deepEqual(errors, []);
  });

  test("gives up after connectTimeoutMs: its status says so, and iteration throws", async (t) => {
    const server = await freshServer(t);
    const client = await clientAt(t, server.name, { connectTimeoutMs: 1_000 });
    const statuses = record<string>(client, "status");
    const errors = record<SealpipeError>(client, "error");
    const closed = nextEvent(client, "close");
    const iterating = (async () => {
      for await (const _ of client);
    })();
    const flushing = (async () => {
      await untilStatus(client, "reconnecting");
      void client.write(1, "never sent");
      await client.flush();
    })();
    const failed = assert.rejects(iterating, (error) => {
      assert.ok(error instanceof SystemError);
      assert.equal(error.code, "ERR_CONNECT_TIMEOUT");
      return true;
    });
    const unflushed = assert.rejects(flushing, { code: "ERR_CONNECT_TIMEOUT" });
    await server.close();
    await failed;
    await unflushed;
    await closed;
    assert.deepEqual(statuses, ["reconnecting", "timeout"]);
    assert.equal(errors.at(-1)?.code, "ERR_CONNECT_TIMEOUT");
    await assert.rejects(client.read(), { code: "ERR_CONNECT_TIMEOUT" });
    assert.throws(() => client.write(1, ""), { code: "ERR_CLOSED" });
    await client.close();
    assert.equal(client.status, "timeout");
  });
});

for (const profile of profiles) {
  describe(`what is written while a ${profile} client reconnects`, { timeout }, () => {
    test("waits, and goes out in order when it is connected", async (t) => {
      const { server, client } = await connectedPair(t, { server: { profile } });
      await server.close();
      await untilStatus(client, "reconnecting");
      const count = 100;
      const data = new Uint8Array(4);
      for (let type = 1; type <= count; type++) {
        new DataView(data.buffer).setUint32(0, type);
        assert.equal(client.write(type, data), undefined);
      }
      assert.equal(client.queuedBytes, count * weightOf(nativeFrame("message", [1], data)));
      const flushed = client.flush();
      assert.equal(await isSettled(flushed), false);

      const next = await serverAt(t, server.name, { profile });
      if (profile === "classic") await flushed;
      await untilStatus(client, "connected");
      await client.write(count + 1, Uint8Array.of(0, 0, 0, count + 1));
      for (let type = 1; type <= count + 1; type++) {
        const message = await next.read();
        assert.equal(message.type, type);
        assert.equal(Buffer.from(message.data).readUInt32BE(0), type);
      }
      await flushed;
      await client.flush();
      assert.equal(client.queuedBytes, 0);
    });

    test("is bounded by maxQueuedBytes", async (t) => {
      const { server, client } = await connectedPair(t, {
        server: { profile },
        client: { maxQueuedBytes: 10_000 },
      });
      await server.close();
      await untilStatus(client, "reconnecting");
      const room = client.write(1, pattern(3_000));
      assert.ok(room instanceof Promise);
      for (let written = 0; written < 3; written++) void client.write(1, pattern(3_000));
      assert.throws(() => client.write(1, ""), { code: "ERR_QUEUE_FULL" });

      const next = await serverAt(t, server.name, { profile });
      // A native server has to read before there is room; a classic one has a socket that takes as much.
      if (profile === "classic") await room;
      for (let read = 0; read < 4; read++) assert.equal((await next.read()).data.length, 3_000);
      await room;
      await client.write(1, "");
      assert.equal((await next.read()).data.length, 0);
    });

    test("is checked at once, as far as that can be", async (t) => {
      const { server, client } = await connectedPair(t, {
        server: { profile },
        client: { maxMessageBytes: 100 },
      });
      await server.close();
      await untilStatus(client, "reconnecting");
      assert.throws(() => client.write(0, ""), { code: "ERR_RESERVED_TYPE" });
      assert.throws(() => client.write(2 ** 32, ""), { code: "ERR_TYPE_OUT_OF_RANGE" });
      assert.throws(() => client.write(1, pattern(101)), { code: "ERR_MESSAGE_TOO_LARGE" });
      assert.equal(client.queuedBytes, 0);
    });

    test("and is too large for the next server is reported; the rest goes out, in order", async (t) => {
      const { server, client } = await connectedPair(t, { server: { profile } });
      await server.close();
      await untilStatus(client, "reconnecting");
      void client.write(1, "small");
      void client.write(2, pattern(2_000));
      void client.write(3, "small");
      const errors: SealpipeError[] = [];
      client.on("error", (error) => {
        errors.push(error as SealpipeError);
        // It comes after what was written before.
        void client.write(4, "from the listener");
      });
      const next = await serverAt(t, server.name, { profile, maxMessageBytes: 1_000 });
      assert.equal((await next.read()).type, 1);
      assert.equal((await next.read()).type, 3);
      assert.equal((await next.read()).type, 4);
      assert.deepEqual(
        errors.map(({ code }) => code),
        ["ERR_TOO_LARGE_FOR_PEER"],
      );
    });

    test("is refused if offlineQueue is off", async (t) => {
      const { server, client } = await connectedPair(t, {
        server: { profile },
        client: { offlineQueue: false },
      });
      await server.close();
      await untilStatus(client, "reconnecting");
      assert.throws(() => client.write(1, "now"), { code: "ERR_NOT_CONNECTED" });
      assert.equal(client.queuedBytes, 0);
      const next = await serverAt(t, server.name, { profile });
      await untilStatus(client, "connected");
      await client.write(1, "later");
      assert.equal((await next.read()).text, "later");
    });

    test("is dropped by a close, and its flush rejects", async (t) => {
      const { server, client } = await connectedPair(t, {
        server: { profile },
        client: { maxQueuedBytes: 1_000 },
      });
      await server.close();
      await untilStatus(client, "reconnecting");
      const room = client.write(1, pattern(500)) as Promise<void>;
      const flush = client.flush();
      const rejected = assert.rejects(flush, { code: "ERR_CLOSED" });
      await client.close();
      await rejected;
      await room;
      assert.equal(client.queuedBytes, 0);
    });
  });
}

describe("what was on its way when the connection broke", { timeout }, () => {
  test("is lost, and a flush that waits for it rejects", async (t) => {
    const { client, peer, raw } = await clientOfRaw(t);
    void client.write(1, pattern(2_000_000));
    const flush = client.flush();
    const rejected = assert.rejects(flush, { code: "ERR_CONNECTION_LOST" });
    await turns();
    peer.destroy();
    await rejected;
    await openAsServer(await raw.accept());
    await untilStatus(client, "connected");
    await client.flush();
    assert.equal(client.queuedBytes, 0);
  });

  test("is lost also by a fault of the server's, and a flush that waits for it is told that", async (t) => {
    const { client, peer } = await clientOfRaw(t);
    void client.write(1, pattern(2_000_000));
    void client.write(2, pattern(2_000));
    const flush = client.flush();
    const rejected = assert.rejects(flush, { code: "ERR_FRAME_TOO_SHORT" });
    await turns();
    peer.send(Uint8Array.of(0, 0, 0, 0));
    await rejected;
  });

  test("is lost also by an orderly end of the server's, and a flush that waits for it is told", {
    skip: noHalfClose,
  }, async (t) => {
    const { client, peer } = await clientOfRaw(t, { closeTimeoutMs: 20 });
    void client.write(1, pattern(2_000_000));
    const rejected = assert.rejects(client.flush(), {
      code: "ERR_CONNECTION_LOST",
      message: /before everything/,
    });
    await turns();
    peer.end();
    await rejected;
  });

  test("leaves a write that waits for room to the next connection", async (t) => {
    const { client, peer, raw } = await clientOfRaw(t, { maxQueuedBytes: 4_000_000 });
    const room = client.write(1, pattern(2_000_000));
    assert.ok(room instanceof Promise);
    await turns();
    peer.destroy();
    await openAsServer(await raw.accept());
    await room;
  });
});

describe("a connection that breaks with messages unread", { timeout }, () => {
  const options = { maxQueuedBytes: 10_000 };

  /** A client that has more to read than it may hold, whose connection has broken behind that. */
  async function breakBehindUnread(t: Parameters<typeof clientOfRaw>[0], more: object = {}) {
    const parts = await clientOfRaw(t, { ...options, ...more });
    const { client, peer } = parts;
    for (let type = 1; type <= 4; type++) peer.send(plainWire.message(type, pattern(5_000)));
    await turns();
    peer.destroy();
    await turns();
    return { ...parts, client };
  }

  test("is noticed when they are read, and they can all be", async (t) => {
    const { client, raw } = await breakBehindUnread(t);
    assert.equal(client.status, "connected");
    for (let type = 1; type <= 4; type++) assert.equal((await client.read()).type, type);
    await untilStatus(client, "reconnecting");
    await openAsServer(await raw.accept());
    await untilStatus(client, "connected");
  });

  test("keeps what is written meanwhile for the next", async (t) => {
    const { client, raw } = await breakBehindUnread(t);
    // The first tells the system's end of it, and is lost; what follows waits.
    void client.write(1, "lost");
    await turns();
    void client.write(2, "kept");
    void client.write(3, "kept too");
    for (let type = 1; type <= 4; type++) assert.equal((await client.read()).type, type);
    const peer = await raw.accept();
    await openAsServer(peer);
    const expected = [
      plainWire.message(2, Buffer.from("kept")),
      plainWire.message(3, Buffer.from("kept too")),
    ];
    for (const message of expected) assert.deepEqual(await peer.receive(message.length), message);
  });

  test("is no connection for a client whose offlineQueue is off", async (t) => {
    const { client } = await breakBehindUnread(t, { offlineQueue: false });
    void client.write(1, "lost");
    await turns();
    assert.throws(() => client.write(2, "refused"), { code: "ERR_NOT_CONNECTED" });
  });
});
