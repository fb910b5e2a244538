import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { MessageData } from "sealpipe";
import { pattern } from "../support/bytes.ts";
import { clientOfRaw, connectedPair, freshServer, rawClientOf } from "../support/endpoints.ts";
import { isSettled, turns } from "../support/waiting.ts";

const timeout = 60_000;
const classic = { server: { profile: "classic" } } as const;
const plain = { server: { encryption: false }, client: { encryption: false } };

describe("writing", { timeout }, () => {
  test("returns nothing while there is room", async (t) => {
    const { client, connection } = await connectedPair(t);
    assert.equal(client.write(1, "small"), undefined);
    assert.equal(connection.write(1, "small"), undefined);
  });

  test("returns a promise beyond a quarter of maxQueuedBytes, which settles when the peer reads", async (t) => {
    const { client, peer } = await clientOfRaw(t, { maxQueuedBytes: 4_000_000 });
    const room = client.write(1, pattern(2_000_000));
    assert.ok(room instanceof Promise);
    assert.equal(client.write(1, "more"), room);
    assert.equal(await isSettled(room), false);
    await peer.receive(2_000_008);
    await room;
    assert.equal(client.write(1, "small"), undefined);
  });

  test("is refused once maxQueuedBytes wait, and goes on when they have left", async (t) => {
    const { client, peer } = await clientOfRaw(t, { maxQueuedBytes: 1_000_000 });
    let written = 0;
    assert.throws(
      () => {
        for (; written < 100; written++) void client.write(1, pattern(100_000));
      },
      { code: "ERR_QUEUE_FULL" },
    );
    assert.ok(client.queuedBytes >= 1_000_000 && client.queuedBytes < 1_200_000, `${client.queuedBytes}`);
    const flushed = client.flush();
    for (let count = 0; count < written; count++) await peer.receive(100_008);
    await flushed;
    await client.write(1, "again");
    assert.equal((await peer.receive(13)).length, 13);
  });

  test("keeps no promise that must be awaited: the peer may go", async (t) => {
    const server = await freshServer(t, { encryption: false });
    const { peer, connection } = await rawClientOf(t, server);
    const room = connection.write(1, pattern(3_000_000));
    assert.ok(room instanceof Promise);
    void connection.write(1, pattern(1_000));
    await turns();
    peer.destroy();
    // node:test fails a test in which a rejection stays unhandled.
    await turns();
    await room;
  });

  for (const [how, options] of [
    ["sealed", {}],
    ["in the clear", plain],
  ] as const) {
    test(`does not need the bytes after the call, ${how}`, async (t) => {
      const { client, server } = await connectedPair(t, options);
      for (const count of [0, 1, 100, 40_000, 1_000_000]) {
        const data = pattern(count, 1);
        const room = client.write(1, data);
        data.fill(0xff);
        const received = await server.read();
        assert.ok(Buffer.from(received.data).equals(pattern(count, 1)), `${count} bytes`);
        await room;
      }
    });
  }

  test("sends text as UTF-8, and views as the bytes they show", async (t) => {
    const { client, server } = await connectedPair(t);
    const texts = ["", "hé", "名前", "😀".repeat(1_000), "\0"];
    for (const text of texts) {
      await client.write(1, text);
      const message = await server.read();
      assert.equal(message.text, text);
      assert.equal(message.data.length, Buffer.byteLength(text));
    }
    await client.write(1, new Uint8Array(pattern(100).buffer, 10, 20));
    assert.deepEqual(Uint8Array.from((await server.read()).data), pattern(100).subarray(10, 30));
  });

  test("refuses what is no message, and nothing of it is sent", async (t) => {
    const { client, server, connection } = await connectedPair(t, { server: { maxMessageBytes: 100 } });
    for (const endpoint of [client, connection]) {
      for (const data of [undefined, null, 5, {}, [1], new ArrayBuffer(1)]) {
        assert.throws(() => endpoint.write(1, data as unknown as MessageData), {
          code: "ERR_INVALID_ARGUMENT",
        });
      }
      assert.throws(() => endpoint.write(0, ""), { code: "ERR_RESERVED_TYPE" });
      for (const type of [-1, 1.5, 4_294_967_296, Number.NaN, "1" as unknown as number]) {
        assert.throws(() => endpoint.write(type, ""), { code: "ERR_TYPE_OUT_OF_RANGE" });
      }
    }
    assert.throws(() => connection.write(1, pattern(101)), { code: "ERR_MESSAGE_TOO_LARGE" });
    assert.throws(() => client.write(1, pattern(101)), { code: "ERR_TOO_LARGE_FOR_PEER", fault: "peer" });
    assert.throws(() => client.write(1, new Uint8Array(3_145_729)), { code: "ERR_MESSAGE_TOO_LARGE" });
    await client.write(7, "the first");
    assert.equal((await server.read()).type, 7);
    await connection.write(8, "the first");
    assert.equal((await client.read()).type, 8);
  });

  test("has left this process when a flush resolves", async (t) => {
    const { client, peer } = await clientOfRaw(t);
    await client.flush();
    void client.write(1, pattern(2_000_000));
    const flushes = [client.flush(), client.flush()];
    assert.equal(await isSettled(Promise.race(flushes)), false);
    await peer.receive(2_000_008);
    await Promise.all(flushes);
    assert.equal(client.queuedBytes, 0);
  });

  test("that small is flushed too", async (t) => {
    const { client, connection } = await connectedPair(t, classic);
    void client.write(1, "small");
    assert.ok(client.queuedBytes > 0);
    await client.flush();
    assert.equal(client.queuedBytes, 0);
    void connection.write(1, "small");
    await connection.flush();
  });

  test("between native ends is flushed once the application has read it", async (t) => {
    const { client, connection } = await connectedPair(t);
    for (const [writer, reader] of [
      [client, connection],
      [connection, client],
    ] as const) {
      void writer.write(1, "small");
      void writer.write(2, pattern(200_000));
      const flushed = writer.flush();
      assert.equal((await reader.read()).type, 1);
      assert.equal(await isSettled(flushed), false);
      assert.ok(writer.queuedBytes > 0);
      assert.equal((await reader.read()).type, 2);
      await flushed;
      assert.equal(writer.queuedBytes, 0);
    }
  });

  test("that is lost rejects the flush of a connection", async (t) => {
    const server = await freshServer(t, { encryption: false });
    const { peer, connection } = await rawClientOf(t, server);
    void connection.write(1, pattern(3_000_000));
    const flush = connection.flush();
    const rejected = assert.rejects(flush, { code: "ERR_CONNECTION_LOST" });
    await turns();
    peer.destroy();
    await rejected;
  });

  test("that is dropped by a destroy rejects the flush that is waited for", async (t) => {
    const server = await freshServer(t, { encryption: false });
    const { connection } = await rawClientOf(t, server);
    const room = connection.write(1, pattern(3_000_000)) as Promise<void>;
    const flush = connection.flush();
    const given = new Error("enough");
    const rejected = assert.rejects(flush, given);
    await turns();
    connection.destroy(given);
    await rejected;
    await room;
  });
});
