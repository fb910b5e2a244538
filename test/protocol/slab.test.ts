import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { takeSmall } from "#dist/protocol/slab.js";

describe("memory for small results", () => {
  test("is as long as was asked for, and zero", () => {
    for (const count of [0, 1, 100, 2_048, 2_049, 100_000]) {
      const piece = takeSmall(count);
      assert.equal(piece.length, count);
      assert.equal(
        piece.every((byte) => byte === 0),
        true,
      );
    }
  });

  test("is nobody else's, though pieces share a buffer", () => {
    const pieces = Array.from({ length: 500 }, (_, index) => takeSmall((index * 7) % 2_049).fill(index));
    for (const [index, piece] of pieces.entries()) {
      assert.equal(
        piece.every((byte) => byte === index % 256),
        true,
      );
    }
    assert.ok(new Set(pieces.map(({ buffer }) => buffer)).size < 150);
  });

  test("is a buffer of its own if it is large", () => {
    assert.equal(takeSmall(2_049).buffer.byteLength, 2_049);
  });
});
