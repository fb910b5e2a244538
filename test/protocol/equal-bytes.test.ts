import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { equalBytes } from "#dist/protocol/equal-bytes.js";
import { flipBit, hex, pattern } from "../support/bytes.ts";

describe("equalBytes", () => {
  test("is true for the same bytes", () => {
    assert.equal(equalBytes(pattern(32), pattern(32)), true);
    assert.equal(equalBytes(hex(""), hex("")), true);
  });

  test("is false for any bit that differs", () => {
    for (let bit = 0; bit < 256; bit++)
      assert.equal(equalBytes(pattern(32), flipBit(pattern(32), bit)), false);
  });

  test("is false if one is longer", () => {
    assert.equal(equalBytes(pattern(32), pattern(33)), false);
    assert.equal(equalBytes(pattern(33), pattern(32)), false);
  });
});
