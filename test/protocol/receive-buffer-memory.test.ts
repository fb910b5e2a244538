import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ReceiveBuffer } from "#dist/protocol/receive-buffer.js";

/** The memory in which what has arrived lies. */
function heldBytes(buffer: ReceiveBuffer): number {
  let bytes = 0;
  while (buffer.length > 0) {
    bytes += buffer.firstChunk.buffer.byteLength;
    buffer.skip(buffer.firstChunk.length);
  }
  return bytes;
}

const mebibyte = 1_048_576;

describe("a ReceiveBuffer's memory", () => {
  for (const sizes of [
    [1],
    [1, 2_048],
    [2_047, 1],
    [2_048],
    [2_048, 1, 2_047],
    [1, 16_383],
    [1, 16_384],
    [10_000, 1],
    [65_536, 1],
  ]) {
    test(`is at most a little over twice what has arrived, in chunks of ${sizes.join(" and ")}`, () => {
      const buffer = new ReceiveBuffer();
      for (let count = 0; buffer.length < mebibyte; count++) {
        buffer.push(new Uint8Array(sizes[count % sizes.length] as number));
      }
      const { length } = buffer;
      const held = heldBytes(buffer);
      assert.ok(held >= length && held < 2 * length + 32_768, `${held} bytes for ${length}`);
    });
  }
});
