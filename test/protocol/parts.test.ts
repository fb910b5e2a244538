import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { copyParts, joinParts, lengthOfParts } from "#dist/protocol/parts.js";
import { hex, toHex } from "../support/bytes.ts";

describe("parts", () => {
  test("have the length of all of them together", () => {
    assert.equal(lengthOfParts([hex("01 02"), hex(""), hex("03")]), 3);
    assert.equal(lengthOfParts([]), 0);
  });

  test("are put one behind the other, and what is behind them stays", () => {
    const target = hex("ff ff ff ff");
    copyParts([hex("01 02"), hex(""), hex("03")], target);
    assert.equal(toHex(target), "01 02 03 ff");
  });

  test("are joined in a new place", () => {
    const part = hex("01 02");
    const joined = joinParts([part, hex(""), hex("03")]);
    part.fill(0);
    assert.equal(toHex(joined), "01 02 03");
    assert.equal(joinParts([]).length, 0);
  });

  test("that do not fit are refused", () => {
    assert.throws(() => copyParts([hex("01 02")], hex("ff")), RangeError);
  });
});
