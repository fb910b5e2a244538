import assert from "node:assert/strict";
import { createCipheriv } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";
import { BatchGcm } from "#dist/crypto/batch-gcm.js";
import { nodeCrypto } from "#dist/crypto/node.js";
import { maxBatchedBytes } from "#dist/protocol/crypto-provider.js";
import { createBatch } from "../support/batches.ts";
import { concat, flipBit, hex, pattern, toHex } from "../support/bytes.ts";

const key = pattern(32);
/** As for a native record, whose length is authenticated; classic has none. */
const lengths = hex("00 00 00 2a");
const nonceAt = (index: number) => pattern(12, index);

/** A use of it: whether the nonce stands in front of what is sealed, and what else is authenticated. */
interface Use {
  readonly nonces: "carried" | "known";
  readonly additionalData: Uint8Array | undefined;
}

const uses: Readonly<Record<string, Use>> = {
  "with its nonce in front": { nonces: "carried", additionalData: undefined },
  "with a nonce that both ends know": { nonces: "known", additionalData: undefined },
  "with a nonce that both ends know, and additional data": { nonces: "known", additionalData: lengths },
};

/** The test cases 13 to 15 that come with the definition of GCM: those with 256-bit keys and no additional data. */
const published: readonly (readonly [string, string, string, string, string])[] = [
  ["00".repeat(32), "00".repeat(12), "", "", "530f8afbc74536b9a963b4f1c4cb738b"],
  [
    "00".repeat(32),
    "00".repeat(12),
    "00".repeat(16),
    "cea7403d4d606b6e074ec5d3baf39d18",
    "d0d1c8a799996bf0265b98b5d48ab919",
  ],
  [
    "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
    "cafebabefacedbaddecaf888",
    `d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
     1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255`,
    `522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
     8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad`,
    "b094dac5d93471bdec1a502270e3cc6c",
  ],
];

for (const [how, { nonces, additionalData }] of Object.entries(uses)) {
  const carriedBytes = nonces === "carried" ? 12 : 0;
  const overheadBytes = carriedBytes + 16;
  const createBatchAead = (key: Uint8Array) => createBatch(key, nonces);
  type BatchAead = ReturnType<typeof createBatchAead>;

  const sealed = (key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array): Uint8Array =>
    concat(
      nonce.subarray(0, carriedBytes),
      ...nodeCrypto.createAead(key).seal(nonce, [plaintext], additionalData),
    );

  const sealNext = (aead: BatchAead, ...plaintext: Uint8Array[]): Uint8Array => {
    const prefix = additionalData ?? hex("");
    const target = concat(prefix, new Uint8Array(concat(...plaintext).length + overheadBytes));
    aead.sealNext(plaintext, target, prefix.length);
    assert.deepEqual(target.subarray(0, prefix.length), prefix);
    return target.subarray(prefix.length);
  };

  const openNext = (aead: BatchAead, message: Uint8Array): Uint8Array | undefined =>
    aead.openNext(message, additionalData);

  describe(`a batch of short messages ${how}`, () => {
    for (const [publishedKey, nonce, plaintext, ciphertext, tag] of additionalData === undefined
      ? published
      : []) {
      test(`seals and opens the published example of ${hex(plaintext).length} bytes`, () => {
        const aead = createBatchAead(hex(publishedKey));
        aead.prepare(hex(nonce + nonce), 64);
        const message = sealNext(aead, hex(plaintext));
        assert.equal(toHex(message), toHex(hex((nonces === "carried" ? nonce : "") + ciphertext + tag)));
        assert.deepEqual(openNext(aead, message), hex(plaintext));
      });
    }

    test("seals every length as a cipher of its own would, and opens what that sealed", () => {
      const aead = createBatchAead(key);
      for (let length = 0; length <= maxBatchedBytes; length++) {
        const plaintext = pattern(length, length);
        const nonce = nonceAt(length);
        aead.prepare(concat(nonce, nonce), length);
        const expected = sealed(key, nonce, plaintext);
        assert.deepEqual(sealNext(aead, plaintext), expected, `${length} bytes`);
        assert.deepEqual(openNext(aead, expected), plaintext, `${length} bytes`);
      }
    });

    test("agrees with a cipher of its own for each of many, whatever the keys, nonces, lengths and cuts", () => {
      const message = fc.record({
        nonce: fc.uint8Array({ minLength: 12, maxLength: 12 }),
        parts: fc.array(fc.uint8Array({ maxLength: 90 }), { maxLength: 3 }),
      });
      const anyKey = fc.uint8Array({ minLength: 32, maxLength: 32 });
      fc.assert(
        fc.property(anyKey, fc.array(message, { minLength: 1, maxLength: 12 }), (key, messages) => {
          const prepared = concat(...messages.map(({ nonce }) => nonce));
          const sealing = createBatchAead(key);
          const opening = createBatchAead(key);
          sealing.prepare(prepared, 270);
          opening.prepare(prepared, 270);
          for (const { nonce, parts } of messages) {
            const plaintext = concat(...parts);
            const expected = sealed(key, nonce, plaintext);
            assert.deepEqual(sealNext(sealing, ...parts), expected);
            assert.deepEqual(openNext(opening, expected), plaintext);
          }
        }),
      );
    });

    test("refuses a message with any one bit changed, of a nonce that it carries too, and opens the next all the same", () => {
      const plaintext = pattern(37);
      const message = sealed(key, nonceAt(1), plaintext);
      const aead = createBatchAead(key);
      for (let bit = 0; bit < message.length * 8; bit++) {
        aead.prepare(concat(nonceAt(1), nonceAt(1)), 37);
        assert.equal(openNext(aead, flipBit(message, bit)), undefined, `bit ${bit}`);
        assert.deepEqual(openNext(aead, message), plaintext, `bit ${bit}`);
      }
    });

    test("refuses what was sealed under another nonce, under another key, cut or made longer", () => {
      const plaintext = pattern(20);
      const message = sealed(key, nonceAt(1), plaintext);
      const wrong = [
        sealed(key, nonceAt(2), plaintext),
        sealed(pattern(32, 9), nonceAt(1), plaintext),
        message.subarray(0, -1),
        concat(message, hex("00")),
        concat(message.subarray(0, carriedBytes), message.subarray(carriedBytes + 1)),
      ];
      for (const [index, each] of wrong.entries()) {
        const aead = createBatchAead(key);
        aead.prepare(nonceAt(1), 32);
        assert.equal(openNext(aead, each), undefined, `case ${index}`);
      }
    });

    test("refuses what was sealed with other additional data", () => {
      const aead = createBatchAead(key);
      for (const other of [
        hex("00 00 00 2b"),
        hex("00"),
        additionalData === undefined ? lengths : undefined,
      ]) {
        aead.prepare(nonceAt(1), 32);
        const message = sealed(key, nonceAt(1), pattern(20));
        assert.equal(aead.openNext(message, other), undefined);
      }
    });

    test("refuses additional data that do not fit into a block", () => {
      const aead = createBatchAead(key);
      aead.prepare(nonceAt(1), 16);
      const target = new Uint8Array(17 + 1 + overheadBytes);
      assert.throws(() => aead.sealNext([hex("01")], target, 17), RangeError);
      assert.throws(() => aead.openNext(new Uint8Array(1 + overheadBytes), new Uint8Array(17)), RangeError);
    });

    test("drops what is prepared when it is asked to", () => {
      const aead = createBatchAead(key);
      aead.prepare(concat(nonceAt(1), nonceAt(2)), 32);
      aead.drop();
      assert.equal(aead.prepared, 0);
      assert.throws(() => sealNext(aead, hex("01")), RangeError);
    });

    test("seals and opens for the record alone for which the nonce was prepared", () => {
      const target = new Uint8Array(1 + overheadBytes);
      const message = sealed(key, nonceAt(2), hex("01"));
      const aead = createBatchAead(key);
      for (const wrong of [6, 8, 0, undefined]) {
        aead.prepare(concat(nonceAt(1), nonceAt(2)), 16, 7);
        assert.throws(() => aead.sealNext([hex("01")], target, 0, wrong), RangeError);
        assert.throws(() => aead.openNext(message, additionalData, wrong), RangeError);
        aead.sealNext([hex("01")], target, 0, 7);
        assert.throws(() => aead.openNext(message, additionalData, 7), RangeError);
        assert.deepEqual(aead.openNext(message, additionalData, 8), hex("01"));
      }
      aead.prepare(nonceAt(2), 16);
      assert.throws(() => aead.openNext(message, additionalData, 0), RangeError);
    });

    test("does nothing more once it is wiped", () => {
      const aead = createBatchAead(key);
      aead.wipe();
      assert.throws(() => aead.prepare(nonceAt(1), 16));
      const used = createBatchAead(key);
      used.prepare(concat(nonceAt(1), nonceAt(1)), 16);
      used.wipe();
      assert.equal(used.prepared, 0);
      assert.throws(() => sealNext(used, hex("01")), RangeError);
      assert.throws(() => used.prepare(nonceAt(1), 16));
    });

    test("says how many nonces are left, and has none at first or after the last", () => {
      const aead = createBatchAead(key);
      assert.equal(aead.prepared, 0);
      assert.throws(() => sealNext(aead, hex("01")), RangeError);
      aead.prepare(concat(nonceAt(1), nonceAt(2)), 1);
      assert.equal(aead.prepared, 2);
      sealNext(aead, hex("01"));
      sealNext(aead, hex("01"));
      assert.equal(aead.prepared, 0);
      assert.throws(() => sealNext(aead, hex("01")), RangeError);
      assert.throws(() => openNext(aead, sealed(key, nonceAt(2), hex("01"))), RangeError);
    });

    test("refuses a plaintext that reaches into the next message's keystream, and writes nothing of it", () => {
      const aead = createBatchAead(key);
      aead.prepare(concat(nonceAt(1), nonceAt(2)), 16);
      const target = new Uint8Array(17 + overheadBytes);
      assert.throws(() => aead.sealNext([pattern(17)], target), RangeError);
      assert.deepEqual(target, new Uint8Array(17 + overheadBytes));
      assert.equal(aead.prepared, 2);
    });

    test("refuses to be prepared for longer messages than it is for", () => {
      const aead = createBatchAead(key);
      assert.equal(maxBatchedBytes, 1_152);
      assert.throws(() => aead.prepare(nonceAt(1), maxBatchedBytes + 1), RangeError);
      assert.equal(aead.prepared, 0);
    });

    test("drops what was prepared before", () => {
      const aead = createBatchAead(key);
      aead.prepare(concat(nonceAt(1), nonceAt(2)), 100);
      aead.prepare(nonceAt(3), 1);
      assert.equal(aead.prepared, 1);
      assert.deepEqual(sealNext(aead, hex("01")), sealed(key, nonceAt(3), hex("01")));
    });

    test("keeps a key and nonces of its own: the caller's can be wiped", () => {
      const wipedKey = Uint8Array.from(key);
      const wipedNonces = nonceAt(1);
      const aead = createBatchAead(wipedKey);
      wipedKey.fill(0);
      aead.prepare(wipedNonces, 1);
      wipedNonces.fill(0);
      assert.deepEqual(sealNext(aead, hex("01")), sealed(key, nonceAt(1), hex("01")));
    });
  });
}

describe("what a batch of short messages leaves behind", () => {
  /** A batch, and all blocks that the cipher has encrypted for it: the key of the hash, and then keystreams. */
  function watched(atOddPlaces = false) {
    const encrypted: Uint8Array[] = [];
    const ecb = createCipheriv("aes-256-ecb", key, null).setAutoPadding(false);
    const encrypt = (blocks: Uint8Array): Uint8Array => {
      const whole = concat(hex("ff"), Uint8Array.from(ecb.update(blocks)));
      const result = atOddPlaces ? whole.subarray(1) : whole.slice(1);
      encrypted.push(result);
      return result;
    };
    return { encrypted, batch: new BatchGcm({ encrypt, wipe() {} }, 0) };
  }

  const isWiped = (bytes: Uint8Array) => bytes.every((byte) => byte === 0);

  test("is no keystream, neither when it ends nor when the next is prepared, and no key of the hash", () => {
    const { encrypted, batch } = watched();
    batch.prepare(concat(nonceAt(1), nonceAt(2)), 100);
    assert.deepEqual(encrypted.map(isWiped), [true, false]);
    batch.sealNext([pattern(100)], new Uint8Array(116));
    batch.prepare(concat(nonceAt(3), nonceAt(4)), 100);
    assert.deepEqual(encrypted.map(isWiped), [true, true, false]);
    batch.wipe();
    assert.deepEqual(encrypted.map(isWiped), [true, true, true]);
  });

  test("is none if the platform gives it at a place from which it has to be moved", () => {
    const { encrypted, batch } = watched(true);
    batch.prepare(nonceAt(1), 100);
    const sealed = new Uint8Array(116);
    batch.sealNext([pattern(100)], sealed);
    assert.deepEqual(sealed, concat(...nodeCrypto.createAead(key).seal(nonceAt(1), [pattern(100)])));
    assert.deepEqual(encrypted.map(isWiped), [true, true]);
  });
});
