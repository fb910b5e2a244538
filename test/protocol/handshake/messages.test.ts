import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RecordProtection } from "#dist/protocol/classic/record.js";
import {
  answers,
  decodeAnswer,
  decodeConfirmation,
  decodeHello,
  decodeMaximumSize,
  encodeAnswer,
  encodeConfirmation,
  encodeHello,
  encodeMaximumSize,
  nativeMagic,
  protocolVersion,
  saysNative,
} from "#dist/protocol/handshake/messages.js";
import { ReceiveBuffer } from "#dist/protocol/receive-buffer.js";
import { concat, flipBit, hex, pattern, toHex, uint32 } from "../../support/bytes.ts";
import { thrownCode } from "../../support/engine-probe.ts";
import { fixedCrypto } from "../../support/fixed-crypto.ts";
import { clientPrivateKey, frame, plainWire, SealedWire } from "../../support/hand-made-peer.ts";

function received(bytes: Uint8Array): ReceiveBuffer {
  const buffer = new ReceiveBuffer();
  buffer.push(bytes);
  return buffer;
}

const sizeOf = (input: ReceiveBuffer, records?: RecordProtection) =>
  decodeMaximumSize(input, records)?.maxMessageBytes;

describe("the hello", () => {
  test("is the version and whether the server encrypts", () => {
    assert.equal(protocolVersion, 2);
    assert.equal(toHex(encodeHello(false)), "02 00");
    assert.equal(toHex(encodeHello(true)), "02 01");
  });

  test("is read once both bytes are there", () => {
    const input = received(hex("02"));
    assert.equal(decodeHello(input), undefined);
    assert.equal(input.length, 1);
    input.push(hex("01 ff"));
    assert.deepEqual(decodeHello(input), { version: 2, encrypted: true });
    assert.equal(input.length, 1);
    assert.deepEqual(decodeHello(received(hex("02 00"))), { version: 2, encrypted: false });
  });

  test("is refused if the second byte is neither 0 nor 1", () => {
    for (let byte = 2; byte <= 255; byte++) {
      assert.throws(() => decodeHello(received(Uint8Array.of(2, byte))), {
        code: "ERR_HANDSHAKE_INVALID",
        message: new RegExp(`encryption byte is ${byte},`),
      });
    }
  });

  test("of another version is read whatever its second byte means there", () => {
    assert.equal(decodeHello(received(hex("03 07")))?.version, 3);
    assert.equal(decodeHello(received(hex("00 01")))?.version, 0);
  });
});

describe("the answer", () => {
  test("is one byte", () => {
    const bytes = Object.keys(answers).map((answer) => [
      answer,
      toHex(encodeAnswer(answer as keyof typeof answers)),
    ]);
    assert.deepEqual(Object.fromEntries(bytes), {
      accepted: "00",
      otherVersion: "01",
      encryptionRequired: "02",
      failed: "03",
    });
  });

  test("is read once it is there, and nothing after it", () => {
    assert.equal(decodeAnswer(received(hex(""))), undefined);
    const input = received(hex("00 00"));
    assert.equal(decodeAnswer(input), true);
    assert.equal(input.length, 1);
  });

  test("that is not 0 is an error with the reason", () => {
    const codes = Array.from({ length: 255 }, (_, index) =>
      thrownCode(() => decodeAnswer(received(Uint8Array.of(index + 1)))),
    );
    assert.deepEqual(codes.slice(0, 2), ["ERR_VERSION_MISMATCH", "ERR_ENCRYPTION_REQUIRED"]);
    assert.deepEqual([...new Set(codes.slice(2))], ["ERR_HANDSHAKE_REJECTED"]);
    assert.throws(() => decodeAnswer(received(hex("fe"))), /with answer 254$/);
  });
});

describe("the maximum size in the clear", () => {
  test("is a frame of four bytes", () => {
    assert.equal(toHex(encodeMaximumSize(3_145_728)), "00 00 00 04 00 30 00 00");
    assert.equal(sizeOf(received(hex("00 00 00 04 00 30 00 00"))), 3_145_728);
    assert.equal(sizeOf(received(hex("00 00 00 04 ff ff ff ff"))), 4_294_967_295);
    assert.equal(sizeOf(received(hex("00 00 00 04 00 00 00 00"))), 0);
  });

  test("is read once all of it is there", () => {
    const bytes = hex("00 00 00 04 00 30 00 00");
    for (let heard = 0; heard < bytes.length; heard++) {
      assert.equal(decodeMaximumSize(received(bytes.subarray(0, heard))), undefined);
    }
  });

  test("may have more behind it, up to 256 bytes in all, which is ignored", () => {
    for (const further of [1, 8, 251, 252]) {
      const input = received(concat(plainWire.maximumSize(1_000, pattern(further)), hex("aa")));
      assert.equal(sizeOf(input), 1_000);
      assert.equal(toHex(input.take(input.length)), "aa");
    }
  });

  test("is refused with a length that cannot be, as soon as that has come", () => {
    for (const length of [0, 3]) {
      assert.equal(
        thrownCode(() => decodeMaximumSize(received(uint32(length)))),
        "ERR_FRAME_TOO_SHORT",
      );
    }
    for (const length of [257, 2 ** 31, 2 ** 32 - 1]) {
      assert.throws(() => decodeMaximumSize(received(uint32(length))), {
        code: "ERR_FRAME_TOO_LARGE",
        message: new RegExp(`announces ${length} bytes; 256 is the max`),
      });
    }
  });
});

describe("the sealed maximum size", () => {
  const key = pattern(32);
  const wire = new SealedWire(key);
  const records = new RecordProtection(key, fixedCrypto({ privateKey: clientPrivateKey }));

  test("is a frame of 32 bytes in one piece, which the peer can open", () => {
    const bytes = encodeMaximumSize(3_145_728, records);
    assert.equal(bytes.length, 36);
    assert.equal(toHex(bytes.subarray(0, 4)), "00 00 00 20");
    assert.equal(toHex(wire.open(bytes)), "00 30 00 00");
  });

  test("is read as the peer sealed it", () => {
    assert.equal(sizeOf(received(wire.maximumSize(3_145_728)), records), 3_145_728);
  });

  test("may have more sealed behind it, up to 256 bytes in all, which is ignored", () => {
    for (const further of [1, 223, 224]) {
      const bytes = wire.maximumSize(1_000, pattern(further));
      assert.equal(sizeOf(received(bytes), records), 1_000);
    }
  });

  test("is refused with a length that cannot be, as soon as that has come", () => {
    for (const length of [0, 3, 31]) {
      assert.equal(
        thrownCode(() => decodeMaximumSize(received(uint32(length)), records)),
        "ERR_FRAME_TOO_SHORT",
      );
    }
    for (const length of [257, 2 ** 31, 2 ** 32 - 1]) {
      assert.equal(
        thrownCode(() => decodeMaximumSize(received(uint32(length)), records)),
        "ERR_FRAME_TOO_LARGE",
      );
    }
  });

  test("is refused with any bit of its payload changed", () => {
    const bytes = wire.maximumSize(3_145_728);
    for (let bit = 4 * 8; bit < bytes.length * 8; bit++) {
      assert.equal(
        thrownCode(() => decodeMaximumSize(received(flipBit(bytes, bit)), records)),
        "ERR_DECRYPTION_FAILED",
      );
    }
  });

  test("is refused if the server did not seal it", () => {
    assert.equal(
      thrownCode(() => decodeMaximumSize(received(plainWire.maximumSize(1_000)), records)),
      "ERR_FRAME_TOO_SHORT",
    );
    assert.equal(
      thrownCode(() => decodeMaximumSize(received(frame(pattern(32))), records)),
      "ERR_DECRYPTION_FAILED",
    );
  });
});

describe("what says that a server is native", () => {
  const key = pattern(32);
  const nonce = pattern(12, 1);
  const records = new RecordProtection(key, fixedCrypto({ privateKey: clientPrivateKey }));
  const read = (bytes: Uint8Array, protection?: RecordProtection) => {
    const maximumSize = decodeMaximumSize(received(bytes), protection);
    assert.ok(maximumSize);
    return maximumSize;
  };

  test("is the nonce of a sealed maximum size, which is no longer than another", () => {
    const bytes = encodeMaximumSize(3_145_728, records, nonce);
    assert.equal(toHex(bytes.subarray(0, 16)), `00 00 00 20 ${toHex(nonce)}`);
    assert.equal(bytes.length, 36);
    assert.equal(toHex(new SealedWire(key).open(bytes)), "00 30 00 00");
    assert.equal(saysNative(read(bytes, records), nonce), true);
  });

  test("is not said by a nonce that differs in any bit", () => {
    const maximumSize = read(encodeMaximumSize(3_145_728, records, nonce), records);
    for (let bit = 0; bit < 96; bit++) assert.equal(saysNative(maximumSize, flipBit(nonce, bit)), false);
  });

  test("is eight bytes behind a plain maximum size", () => {
    const bytes = encodeMaximumSize(3_145_728, undefined, nativeMagic);
    assert.equal(toHex(bytes), "00 00 00 0c 00 30 00 00 73 65 61 6c 70 69 70 31");
    assert.equal(saysNative(read(bytes)), true);
    assert.equal(sizeOf(received(bytes)), 3_145_728);
  });

  test("is not said by other bytes, fewer, or none", () => {
    const bytes = encodeMaximumSize(3_145_728, undefined, nativeMagic);
    for (let bit = 64; bit < 128; bit++) assert.equal(saysNative(read(flipBit(bytes, bit))), false);
    assert.equal(saysNative(read(plainWire.maximumSize(1))), false);
    assert.equal(saysNative(read(plainWire.maximumSize(1, nativeMagic.subarray(0, 7)))), false);
  });

  test("may have more behind it in the clear", () => {
    assert.equal(saysNative(read(plainWire.maximumSize(1, concat(nativeMagic, hex("00"))))), true);
  });

  test("comes with the whole frame as it stood on the wire", () => {
    const plain = plainWire.maximumSize(1_000, pattern(9));
    assert.equal(toHex(read(concat(plain, hex("aa"))).frame), toHex(plain));
    const sealed = encodeMaximumSize(3_145_728, records, nonce);
    assert.equal(toHex(read(sealed, records).frame), toHex(sealed));
  });
});

describe("the confirmation", () => {
  test("is a byte: 0, or 1 for native", () => {
    assert.equal(toHex(encodeConfirmation("classic")), "00");
    assert.equal(toHex(encodeConfirmation("native")), "01");
  });

  test("means classic with any value but 1", () => {
    assert.equal(decodeConfirmation(received(hex(""))), undefined);
    for (let byte = 0; byte <= 255; byte++) {
      const input = received(Uint8Array.of(byte, 0xaa));
      assert.equal(decodeConfirmation(input), byte === 1 ? "native" : "classic");
      assert.equal(toHex(input.take(input.length)), "aa");
    }
  });
});
