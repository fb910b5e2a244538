import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { takeSmall } from "#dist/protocol/slab.js";

describe("memory for small results", () => {
  test("is as long as was asked for, and zero", () => {
    for (const count of [0, 1, 100, 1_024, 1_025, 100_000]) {
      const piece = takeSmall(count);
      assert.equal(piece.length, count);
      assert.equal(
        piece.every((byte) => byte === 0),
        true,
      );
    }
  });

  test("is nobody else's, though pieces share a buffer", () => {
    const pieces = Array.from({ length: 500 }, (_, index) => takeSmall((index * 7) % 1_025).fill(index));
    for (const [index, piece] of pieces.entries()) {
      assert.equal(
        piece.every((byte) => byte === index % 256),
        true,
      );
    }
    assert.ok(new Set(pieces.map(({ buffer }) => buffer)).size < 100);
  });

  test("is a buffer of its own where it is large", () => {
    assert.equal(takeSmall(1_025).buffer.byteLength, 1_025);
  });
});
