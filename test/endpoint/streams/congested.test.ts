import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Stream } from "sealpipe";
import { pattern } from "../../support/bytes.ts";
import { connectedPair, freshServer } from "../../support/endpoints.ts";
import { connectThroughRelay } from "../../support/relay.ts";

const timeout = 60_000;
const maxQueuedBytes = 100_000;
const [count, bytes] = [400, 5_000];

/** Writes more than is kept for a peer, although there is credit for more than that. Returns how often it had to wait. */
async function writeAll(stream: Stream): Promise<number> {
  let waits = 0;
  for (let written = 0; written < count; written++) {
    const room = stream.write(pattern(bytes, written));
    if (room !== undefined) waits += 1;
    await room;
  }
  stream.end();
  return waits;
}

async function readAll(stream: Stream): Promise<number> {
  let read = 0;
  for await (const { data } of stream) {
    assert.deepEqual(Buffer.compare(data, pattern(bytes, read)), 0);
    read += 1;
  }
  return read;
}

describe("a writer that has credit for more than maxQueuedBytes", { timeout }, () => {
  test("waits, and goes on as the peer reads", async (t) => {
    const { server, client } = await connectedPair(t, {
      client: { maxQueuedBytes },
      server: { streamWindowBytes: 1_000_000 },
    });
    const read = new Promise<number>((resolve) => {
      server.handleStream(1, async (stream) => resolve(await readAll(stream)));
    });
    assert.ok((await writeAll(await client.openStream(1, ""))) > 0, "it had to wait");
    assert.equal(await read, count);
  });

  test("goes on in several streams at once, and after the connection broke", async (t) => {
    const server = await freshServer(t, { streamWindowBytes: 1_000_000 });
    const { client, relay } = await connectThroughRelay(t, server, { maxQueuedBytes });
    const reads: Promise<number>[] = [];
    server.handleStream(1, (stream) => {
      const read = readAll(stream);
      reads.push(read);
      return read.then(() => {});
    });
    const streams = await Promise.all([1, 2, 3].map(() => client.openStream(1, "")));
    const writing = Promise.all(streams.map(writeAll));
    await new Promise((resolve) => setImmediate(resolve));
    relay.cut();
    const waits = await writing;
    assert.ok(waits.every((times) => times > 0));
    assert.deepEqual(await Promise.all(reads), [count, count, count]);
  });
});
