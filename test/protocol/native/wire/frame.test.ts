import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PeerError } from "#dist/errors.js";
import {
  encodeFrame,
  frameHeaderBytes,
  frameKinds,
  invalidFrame,
  maxBodyBytes,
  maxRecordBytes,
  readBodyBytes,
  readUint64,
  writeFrameHeader,
  writeUint64,
} from "#dist/protocol/native/wire/frame.js";
import { concat, hex, pattern, toHex } from "../../../support/bytes.ts";

describe("a native frame", () => {
  test("is its kind, its body's length in three bytes, and its body", () => {
    assert.equal(toHex(encodeFrame(frameKinds.ping, hex("00 00 00 07"))), "04 00 00 04 00 00 00 07");
    assert.equal(toHex(encodeFrame(frameKinds.close, hex(""))), "06 00 00 00");
    const body = pattern(0x012345);
    assert.deepEqual(encodeFrame(frameKinds.message, body), concat(hex("10 01 23 45"), body));
  });

  test("has a header that can be written anywhere", () => {
    const bytes = new Uint8Array(7);
    writeFrameHeader(bytes, 2, frameKinds.cancel, 0xfedcba);
    assert.equal(toHex(bytes), "00 00 34 fe dc ba 00");
  });

  test("has a length that can be read anywhere, and is no number if the header is cut", () => {
    const bytes = hex("00 00 34 fe dc ba 00");
    assert.equal(readBodyBytes(bytes, 2), 0xfedcba);
    for (let length = 2; length < 2 + frameHeaderBytes; length++) {
      assert.equal(readBodyBytes(bytes.subarray(0, length), 2), Number.NaN, `${length} bytes`);
    }
  });

  test("has a number of its own for each kind", () => {
    const numbers = Object.values(frameKinds);
    assert.equal(new Set(numbers).size, numbers.length);
  });

  test("leaves room in its record for what goes with it", () => {
    assert.ok(frameHeaderBytes + maxBodyBytes + 1_024 <= maxRecordBytes);
    assert.ok(maxBodyBytes <= 0xffffff);
    assert.deepEqual(
      [frameHeaderBytes, maxRecordBytes, maxBodyBytes],
      [4, 131_072, 130_044],
      "as the spec has it",
    );
  });
});

describe("a position of eight bytes", () => {
  for (const [value, bytes] of [
    [0, "00 00 00 00 00 00 00 00"],
    [1, "00 00 00 00 00 00 00 01"],
    [0xffff_ffff, "00 00 00 00 ff ff ff ff"],
    [0x1_0000_0000, "00 00 00 01 00 00 00 00"],
    [Number.MAX_SAFE_INTEGER, "00 1f ff ff ff ff ff ff"],
  ] as const) {
    test(`is written and read as ${bytes} for ${value}`, () => {
      const target = new Uint8Array(10).fill(0xee);
      writeUint64(target, value, 1);
      assert.equal(toHex(target), `ee ${bytes} ee`);
      assert.equal(readUint64(target, 1), value);
    });
  }

  test("is refused from 2^53 on, where numbers are no longer exact", () => {
    for (const bytes of ["00 20 00 00 00 00 00 00", "ff ff ff ff ff ff ff ff"]) {
      assert.throws(() => readUint64(hex(bytes), 0), { code: "ERR_FRAME_INVALID" });
    }
  });
});

test("what a peer may not send is its fault, and the message says what it was", () => {
  const error = invalidFrame("something odd");
  assert.ok(error instanceof PeerError);
  assert.equal(error.code, "ERR_FRAME_INVALID");
  assert.match(error.message, /something odd/);
});
