import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { pattern } from "../support/bytes.ts";
import { RecordingHandler } from "../support/recording-handler.ts";
import { turns } from "../support/waiting.ts";
import { createMemoryPair } from "./memory-transport.ts";

describe("a pair of memory transports", () => {
  test("moves no more than the reader's buffer holds while it pauses, however large the write", async () => {
    const [one, other] = createMemoryPair();
    RecordingHandler.start(one);
    one.write([pattern(1_000_000)]);
    await turns();
    assert.equal(one.pendingBytes, 1_000_000 - 65_536);
    one.destroy();
    other.destroy();
  });

  test("does not need the bytes after they are written", async () => {
    const [one, other] = createMemoryPair();
    const bytes = pattern(10);
    one.write([bytes]);
    bytes.fill(0);
    assert.deepEqual(await RecordingHandler.start(other).receive(10), pattern(10));
    one.destroy();
    other.destroy();
  });

  test("delivers no chunk without bytes", async () => {
    const [one, other] = createMemoryPair();
    const handler = RecordingHandler.start(other);
    one.write([new Uint8Array(0)]);
    one.end();
    await handler.until("ended");
    assert.deepEqual(handler.told, ["ended"]);
    other.end();
  });

  test("delivers nothing within a call", async () => {
    const [one, other] = createMemoryPair();
    const handler = RecordingHandler.start(other);
    one.write([pattern(10)]);
    one.end();
    assert.deepEqual(handler.told, []);
    await handler.until("ended");
    other.end();
  });

  test("takes nothing once it is destroyed", async () => {
    const [one, other] = createMemoryPair();
    one.write([pattern(10)]);
    one.destroy();
    assert.equal(one.pendingBytes, 0, "what was pending is dropped");
    one.write([pattern(10)]);
    assert.equal(one.pendingBytes, 0);
    other.destroy();
    await turns();
  });

  test("stops delivering if the reader destroys it in the middle", async () => {
    const [one, other] = createMemoryPair();
    const sizes: number[] = [];
    other.start({
      chunk: (chunk) => {
        sizes.push(chunk.length);
        other.destroy();
      },
      ended: () => assert.fail("ended after it was destroyed"),
      drained: () => {},
      closed: () => sizes.push(-1),
    });
    one.write([pattern(1)]);
    one.write([pattern(2)]);
    await turns();
    assert.deepEqual(sizes, [1, -1]);
    one.destroy();
  });

  test("delivers what was written before it was destroyed, then the end", async () => {
    const [one, other] = createMemoryPair();
    one.write([pattern(100)]);
    await turns();
    one.destroy();
    const handler = RecordingHandler.start(other);
    await handler.until("ended");
    assert.deepEqual(handler.received, pattern(100));
    other.write([pattern(1)]);
    await handler.until("drained");
    other.destroy();
  });
});
