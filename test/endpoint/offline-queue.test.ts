import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OfflineQueue } from "#dist/endpoint/offline-queue.js";

describe("an offline queue", () => {
  test("keeps messages in order, and gives them once", () => {
    const queue = new OfflineQueue();
    for (const type of [3, 1, 2]) queue.push(type, Uint8Array.of(type));
    assert.deepEqual(
      queue.takeAll().map(({ type, data }) => [type, ...data]),
      [
        [3, 3],
        [1, 1],
        [2, 2],
      ],
    );
    assert.deepEqual(queue.takeAll(), []);
  });

  test("counts 64 bytes for each message besides its data", () => {
    const queue = new OfflineQueue();
    assert.equal(queue.bytes, 0);
    queue.push(1, new Uint8Array(0));
    queue.push(1, new Uint8Array(100));
    assert.equal(queue.bytes, 64 + 164);
    queue.takeAll();
    assert.equal(queue.bytes, 0);
  });

  test("does not need the caller's bytes any more", () => {
    const queue = new OfflineQueue();
    const data = Uint8Array.of(1, 2, 3);
    queue.push(1, data);
    data.fill(9);
    assert.deepEqual(queue.takeAll()[0]?.data, Uint8Array.of(1, 2, 3));
  });
});
