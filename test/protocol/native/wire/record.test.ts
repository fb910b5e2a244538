import assert from "node:assert/strict";
import { createCipheriv } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";
import { nodeCrypto } from "#dist/crypto/node.js";
import { aeadTagBytes, type CryptoProvider } from "#dist/protocol/crypto-provider.js";
import { frameHeaderBytes, maxRecordBytes } from "#dist/protocol/native/wire/frame.js";
import { deriveTrafficKeys, nextTrafficSecret } from "#dist/protocol/native/wire/key-schedule.js";
import {
  RecordReader,
  RecordWriter,
  recordsPerKey,
  writeRecordNonce,
} from "#dist/protocol/native/wire/record.js";
import { ReceiveBuffer } from "#dist/protocol/receive-buffer.js";
import { concat, flipBit, hex, pattern, toHex, uint32 } from "../../../support/bytes.ts";
import { byteAtATime } from "../../../support/cutting.ts";
import { thrownCode } from "../../../support/engine-probe.ts";
import { WatchedCrypto } from "../../../support/watched-crypto.ts";

const secret = () => pattern(32);
const keys = (trafficSecret = secret(), crypto: CryptoProvider = nodeCrypto) => ({ trafficSecret, crypto });
const ping = hex("04 00 00 04 00 00 00 07");

const write = (writer: RecordWriter, ...frames: Uint8Array[]) => concat(...writer.write(frames));

function received(...chunks: Uint8Array[]): ReceiveBuffer {
  const buffer = new ReceiveBuffer();
  for (const chunk of chunks) buffer.push(chunk);
  return buffer;
}

/** The first `count` records of a writer, each a ping of its own number. */
function sealedRecords(count: number, changeKeyAfter?: number): Uint8Array[] {
  const writer = new RecordWriter(keys(), changeKeyAfter);
  return Array.from({ length: count }, (_, index) => write(writer, hex("04 00 00 04"), uint32(index)));
}

/** A record as the spec describes it, made with nothing of the library's but the keys. */
function handMadeRecord(trafficSecret: Uint8Array, recordNumber: number, frames: Uint8Array): Uint8Array {
  const { key, iv } = deriveTrafficKeys(trafficSecret, nodeCrypto);
  const number = concat(new Uint8Array(8), uint32(recordNumber));
  const nonce = iv.map((byte, index) => byte ^ (number[index] as number));
  const header = uint32(frames.length + 16);
  const sealing = createCipheriv("aes-256-gcm", key, nonce).setAAD(header);
  return concat(header, sealing.update(frames), sealing.final(), sealing.getAuthTag());
}

describe("a plain record", () => {
  test("is the length of its frames, and the frames", () => {
    assert.equal(
      toHex(write(new RecordWriter(), ping, hex("03 00 00 00"))),
      `00 00 00 0c ${toHex(ping)} 03 00 00 00`,
    );
  });

  test("is read once all of it is there, and nothing behind it", () => {
    const reader = new RecordReader();
    const record = write(new RecordWriter(), ping);
    const input = received();
    for (const byte of byteAtATime(record)) {
      assert.equal(reader.read(input), undefined);
      input.push(byte);
    }
    input.push(hex("00"));
    assert.equal(toHex(reader.read(input)?.bytes ?? hex("")), toHex(ping));
    assert.equal(input.length, 1);
  });

  test("has 4 to 131,072 bytes of frames", () => {
    for (const length of [frameHeaderBytes, maxRecordBytes]) {
      const input = received(uint32(length), pattern(length));
      assert.equal(new RecordReader().read(input)?.bytes.length, length);
    }
    const read = (length: number) => thrownCode(() => new RecordReader().read(received(uint32(length))));
    for (const length of [0, frameHeaderBytes - 1]) assert.equal(read(length), "ERR_FRAME_TOO_SHORT");
    for (const length of [maxRecordBytes + 1, 2 ** 32 - 1]) assert.equal(read(length), "ERR_FRAME_TOO_LARGE");
  });
});

describe("a sealed record", () => {
  test("is its frames sealed with their length, under the number of the record", () => {
    const writer = new RecordWriter(keys());
    assert.equal(toHex(write(writer, ping)), toHex(handMadeRecord(secret(), 0, ping)));
    assert.equal(
      toHex(write(writer, hex("03"), hex("00 00 00"))),
      toHex(handMadeRecord(secret(), 1, hex("03 00 00 00"))),
    );
  });

  test("is opened by a reader of the same secret, in the order in which they were written", () => {
    const reader = new RecordReader(keys());
    const input = received(...sealedRecords(3));
    for (let index = 0; index < 3; index++) {
      assert.equal(
        toHex(reader.read(input)?.bytes ?? hex("")),
        toHex(concat(hex("04 00 00 04"), uint32(index))),
      );
    }
    assert.equal(reader.read(input), undefined);
  });

  test("may have 131,072 bytes of frames, in one piece or in two", () => {
    const frames = pattern(maxRecordBytes);
    for (const cut of [0, 5_000]) {
      const record = write(new RecordWriter(keys()), frames);
      const input = received(record.subarray(0, cut), record.subarray(cut));
      assert.deepEqual(new RecordReader(keys()).read(input)?.bytes, frames);
    }
  });

  test("comes out as it went in, whatever it holds and however it is cut", () => {
    const records = fc.array(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 4 }), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(records, fc.integer({ min: 1, max: 3 }), (written, changeKeyAfter) => {
        const writer = new RecordWriter(keys(), changeKeyAfter);
        const reader = new RecordReader(keys(), changeKeyAfter);
        const input = received();
        for (const frames of written) {
          const whole = [hex("03 00 00 00"), ...frames];
          for (const part of writer.write(whole)) input.push(part);
          assert.equal(toHex(reader.read(input)?.bytes ?? hex("")), toHex(concat(...whole)));
        }
      }),
      { numRuns: 100 },
    );
  });

  test("leaves the frames as they were, and shares no memory with them", () => {
    const frames = Uint8Array.from(ping);
    const parts = new RecordWriter(keys()).write([frames]);
    assert.deepEqual(frames, ping);
    assert.ok(parts.every((part) => part.buffer !== frames.buffer));
  });

  test("has 4 to 131,072 bytes of frames", () => {
    for (const length of [frameHeaderBytes, maxRecordBytes]) {
      const input = received(handMadeRecord(secret(), 0, pattern(length)));
      assert.equal(new RecordReader(keys()).read(input)?.bytes.length, length);
    }
    const read = (length: number) =>
      thrownCode(() => new RecordReader(keys()).read(received(uint32(length))));
    for (const length of [0, frameHeaderBytes + aeadTagBytes - 1])
      assert.equal(read(length), "ERR_FRAME_TOO_SHORT");
    for (const length of [maxRecordBytes + aeadTagBytes + 1, 2 ** 32 - 1])
      assert.equal(read(length), "ERR_FRAME_TOO_LARGE");
  });
});

describe("a record that is not what the peer wrote next", () => {
  const opened = (...records: Uint8Array[]) => {
    const reader = new RecordReader(keys());
    const input = received(...records);
    return () => {
      while (reader.read(input) !== undefined);
    };
  };
  const [first, second, third] = sealedRecords(3) as [Uint8Array, Uint8Array, Uint8Array];

  test("is refused with any bit changed: as the first, it says nothing of who the peer is", () => {
    for (let bit = 4 * 8; bit < first.length * 8; bit++) {
      assert.equal(thrownCode(opened(flipBit(first, bit))), "ERR_AUTHENTICATION_FAILED");
      assert.equal(thrownCode(opened(first, flipBit(second, bit))), "ERR_DECRYPTION_FAILED");
    }
  });

  test("is refused with its length changed, though as many bytes come", () => {
    for (const by of [-1, 1]) {
      const changed = concat(uint32(first.length - 4 + by), first.subarray(4), new Uint8Array(1));
      assert.equal(thrownCode(opened(changed)), "ERR_AUTHENTICATION_FAILED");
    }
  });

  test("is refused if only the length that was sealed is another", () => {
    const { key, iv } = deriveTrafficKeys(secret(), nodeCrypto);
    const payload = concat(...nodeCrypto.createAead(key).seal(iv, [ping], uint32(ping.length)));
    assert.equal(thrownCode(opened(concat(uint32(payload.length), payload))), "ERR_AUTHENTICATION_FAILED");
  });

  test("is refused if one was repeated, left out or moved", () => {
    assert.equal(thrownCode(opened(first, first)), "ERR_DECRYPTION_FAILED");
    assert.equal(thrownCode(opened(first, third)), "ERR_DECRYPTION_FAILED");
    assert.equal(thrownCode(opened(first, third, second)), "ERR_DECRYPTION_FAILED");
    assert.equal(thrownCode(opened(second)), "ERR_AUTHENTICATION_FAILED");
  });

  test("is refused if another secret sealed it, such as that of our own direction", () => {
    const other = write(new RecordWriter(keys(pattern(32, 1))), ping);
    assert.equal(thrownCode(opened(other)), "ERR_AUTHENTICATION_FAILED");
    assert.throws(opened(other), { fault: "peer", message: /the secrets differ, only one end has one/ });
  });
});

describe("many small records", () => {
  /** Runs long enough that they are sealed and opened in batches, and larger ones in between. */
  const sizes = [
    ...Array(60).fill(10),
    257,
    ...Array(40).fill(256),
    5_000,
    ...Array(20).fill(frameHeaderBytes),
  ];
  const frames = sizes.map((size, index) => pattern(size, index));

  test("are sealed each as it would be alone", () => {
    const writer = new RecordWriter(keys());
    for (const [number, frame] of frames.entries()) {
      // In two parts, as a record of two frames is.
      const record = write(writer, frame.subarray(0, 1), frame.subarray(1));
      assert.deepEqual(record, handMadeRecord(secret(), number, frame), `record ${number}`);
    }
  });

  test("are opened each as it would be alone, and the next keys' too", () => {
    for (const changeKeyAfter of [undefined, 20, 33]) {
      const writer = new RecordWriter(keys(), changeKeyAfter);
      const reader = new RecordReader(keys(), changeKeyAfter);
      for (const [number, frame] of frames.entries()) {
        assert.deepEqual(reader.read(received(write(writer, frame)))?.bytes, frame, `record ${number}`);
      }
    }
  });

  test("are refused each if it was changed, repeated or left out", () => {
    const writer = new RecordWriter(keys());
    const records = Array.from({ length: 60 }, (_, index) => write(writer, pattern(10, index)));
    for (const wrong of [5, 20, 40, 59]) {
      const others = [
        flipBit(records[wrong] as Uint8Array, 8 * 9),
        records[wrong - 1] as Uint8Array,
        records[wrong + 1] ?? flipBit(records[wrong] as Uint8Array, 8 * 20),
      ];
      for (const other of others) {
        const reader = new RecordReader(keys());
        for (const record of records.slice(0, wrong)) reader.read(received(record));
        assert.equal(
          thrownCode(() => reader.read(received(other))),
          "ERR_DECRYPTION_FAILED",
        );
      }
    }
  });
});

describe("the key", () => {
  test("changes after 524,288 records", () => assert.equal(recordsPerKey, 2 ** 19));

  test("changes at both ends after as many records, while their numbers go on", () => {
    const next = nextTrafficSecret(secret(), nodeCrypto);
    const afterNext = nextTrafficSecret(next, nodeCrypto);
    const expected = [secret(), secret(), next, next, afterNext].map((trafficSecret, index) =>
      toHex(handMadeRecord(trafficSecret, index, concat(hex("04 00 00 04"), uint32(index)))),
    );
    assert.deepEqual(sealedRecords(5, 2).map(toHex), expected);
    const reader = new RecordReader(keys(), 2);
    const input = received(...sealedRecords(5, 2));
    for (let index = 0; index < 5; index++) assert.ok(reader.read(input));
  });

  test("of an end that changes it at another time opens nothing more", () => {
    const reader = new RecordReader(keys(), 3);
    const input = received(...sealedRecords(3, 2));
    assert.ok(reader.read(input));
    assert.ok(reader.read(input));
    assert.equal(
      thrownCode(() => reader.read(input)),
      "ERR_DECRYPTION_FAILED",
    );
  });

  test("takes its ciphers along when it changes, and what they had prepared", () => {
    const watched = new WatchedCrypto();
    const writer = new RecordWriter(keys(secret(), watched.crypto), 20);
    for (let count = 0; count < 20; count++) writer.write([ping]);
    const ofTheFirst = watched.secrets.filter(({ what }) => what !== "a nonce");
    assert.ok(ofTheFirst.some(({ what }) => what === "prepared nonces"));
    assert.equal(watched.left.filter((what) => what === "a cipher").length, 2);
    writer.write([ping]);
    for (const { what, bytes } of ofTheFirst)
      assert.ok(
        bytes.every((byte) => byte === 0),
        what,
      );
    assert.equal(watched.left.filter((what) => what === "a cipher").length, 1);
    writer.wipe();
    assert.deepEqual(watched.left, []);
  });

  test("is wiped if it is not needed any more, and so is the secret it came from", () => {
    const given: Uint8Array[] = [];
    const watched: CryptoProvider = {
      ...nodeCrypto,
      createAead(key) {
        given.push(key);
        return nodeCrypto.createAead(key);
      },
    };
    const trafficSecret = secret();
    const writer = new RecordWriter(keys(trafficSecret, watched), 1);
    writer.write([ping]);
    assert.ok(trafficSecret.some((byte) => byte !== 0));
    writer.write([ping]);
    assert.ok(trafficSecret.every((byte) => byte === 0));
    assert.equal(given.length, 2);
    assert.ok(given.every((key) => key.every((byte) => byte === 0)));
  });
});

describe("a record's nonce", () => {
  const nonceOf = (recordNumber: number) => {
    const nonces = new Uint8Array(14).fill(0xee);
    writeRecordNonce(nonces, 1, hex("00112233445566778899aabb"), recordNumber);
    assert.deepEqual([nonces[0], nonces[13]], [0xee, 0xee]);
    return toHex(nonces.subarray(1, 13));
  };

  test("is the IV with the record's number over its end", () => {
    assert.equal(nonceOf(0), "00 11 22 33 44 55 66 77 88 99 aa bb");
    assert.equal(nonceOf(0x01020304), "00 11 22 33 44 55 66 77 89 9b a9 bf");
    assert.equal(nonceOf(0xffff_ffff), "00 11 22 33 44 55 66 77 77 66 55 44");
    assert.equal(nonceOf(0x1_0000_0000), "00 11 22 33 44 55 66 76 88 99 aa bb");
    assert.equal(nonceOf(Number.MAX_SAFE_INTEGER), "00 11 22 33 44 4a 99 88 77 66 55 44");
  });
});
