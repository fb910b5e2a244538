import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PeerError } from "#dist/errors.js";
import { encodeUint32, readUint32, writeUint32 } from "#dist/protocol/integers.js";
import { type FrameBounds, lengthBytes, readFrame } from "#dist/protocol/length-prefix.js";
import { ReceiveBuffer } from "#dist/protocol/receive-buffer.js";
import { hex, toHex } from "../support/bytes.ts";
import { byteAtATime } from "../support/cutting.ts";
import { thrownCode } from "../support/engine-probe.ts";

const bounds: FrameBounds = {
  minBytes: 2,
  maxBytes: 4,
  tooLarge: (payloadBytes) => new PeerError("ERR_FRAME_TOO_LARGE", `${payloadBytes} bytes`),
};

function read(text: string): string | undefined {
  const buffer = new ReceiveBuffer();
  buffer.push(hex(text));
  const payload = readFrame(buffer, bounds);
  return payload && toHex(payload.bytes);
}

describe("readFrame", () => {
  test("gives the payload behind the length", () => {
    assert.equal(read("00 00 00 02 0a 0b"), "0a 0b");
    assert.equal(read("00 00 00 04 0a 0b 0c 0d"), "0a 0b 0c 0d");
  });

  test("waits for the last byte and takes none before", () => {
    const buffer = new ReceiveBuffer();
    const bytes = hex("00 00 00 03 0a 0b 0c");
    for (const [index, byte] of byteAtATime(bytes).entries()) {
      assert.equal(readFrame(buffer, bounds), undefined);
      assert.equal(buffer.length, index);
      buffer.push(byte);
    }
    assert.deepEqual(readFrame(buffer, bounds)?.bytes, hex("0a 0b 0c"));
    assert.equal(buffer.length, 0);
  });

  test("leaves what follows the frame", () => {
    const buffer = new ReceiveBuffer();
    buffer.push(hex("00 00 00 02 0a 0b 00 00 00 02 0c 0d ff"));
    assert.deepEqual(readFrame(buffer, bounds)?.bytes, hex("0a 0b"));
    assert.deepEqual(readFrame(buffer, bounds)?.bytes, hex("0c 0d"));
    assert.equal(readFrame(buffer, bounds), undefined);
    assert.equal(buffer.length, 1);
  });

  test("refuses a length below the least as soon as it has arrived", () => {
    assert.equal(
      thrownCode(() => read("00 00 00 01")),
      "ERR_FRAME_TOO_SHORT",
    );
    assert.throws(() => read("00 00 00 00"), /a frame of 0 bytes arrived; the min is 2/);
  });

  test("refuses a length over the most, with the error that the caller made for it", () => {
    assert.throws(() => read("00 00 00 05"), { code: "ERR_FRAME_TOO_LARGE", message: "5 bytes" });
    assert.throws(() => read("ff ff ff ff"), { message: "4294967295 bytes" });
  });

  test("can give an empty payload if the bounds allow it", () => {
    const buffer = new ReceiveBuffer();
    buffer.push(hex("00 00 00 00"));
    assert.deepEqual(readFrame(buffer, { ...bounds, minBytes: 0 })?.bytes, hex(""));
    assert.equal(buffer.length, 0);
  });
});

describe("the numbers of a frame", () => {
  const examples: readonly (readonly [number, string])[] = [
    [0, "00 00 00 00"],
    [1, "00 00 00 01"],
    [0x0102_0304, "01 02 03 04"],
    [0x7fff_ffff, "7f ff ff ff"],
    [0x8000_0000, "80 00 00 00"],
    [0xffff_ffff, "ff ff ff ff"],
  ];
  for (const [value, bytes] of examples) {
    test(`are big-endian and without a sign: ${value} is ${bytes}`, () => {
      assert.equal(toHex(encodeUint32(value)), bytes);
      assert.equal(readUint32(hex(`aa ${bytes} bb`), 1), value);
      const target = hex("aa 00 00 00 00 bb");
      writeUint32(target, value, 1);
      assert.equal(toHex(target), `aa ${bytes} bb`);
    });
  }

  test("take four bytes", () => {
    assert.equal(lengthBytes, 4);
  });
});
