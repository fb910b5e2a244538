import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decodePositions, encodePositions } from "#dist/protocol/native/wire/positions.js";
import { concat, hex, toHex } from "../../../support/bytes.ts";
import { thrownCode } from "../../../support/engine-probe.ts";

describe("positions", () => {
  const bytes = hex("0000000000000001 0000000200000003 001fffffffffffff");

  test("are a u64 for each lane", () => {
    assert.equal(toHex(encodePositions([1, 0x2_0000_0003, Number.MAX_SAFE_INTEGER])), toHex(bytes));
    assert.deepEqual(decodePositions(bytes), [1, 0x2_0000_0003, Number.MAX_SAFE_INTEGER]);
  });

  test("that no connection could reach are refused", () => {
    for (const position of [hex("0020000000000000"), hex("ffffffffffffffff")]) {
      for (const [before, behind] of [
        [0, 16],
        [8, 8],
        [16, 0],
      ] as const) {
        const broken = concat(new Uint8Array(before), position, new Uint8Array(behind));
        assert.equal(
          thrownCode(() => decodePositions(broken)),
          "ERR_FRAME_INVALID",
        );
      }
    }
  });
});
