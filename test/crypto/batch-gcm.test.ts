import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { nodeCrypto } from "#dist/crypto/node.js";
import { concat, flipBit, hex, pattern, toHex } from "../support/bytes.ts";

const key = pattern(32);
const overheadBytes = 28;
const nonceAt = (index: number) => pattern(12, index);

function sealed(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array): Uint8Array {
  return concat(nonce, ...nodeCrypto.createAead(key).seal(nonce, [plaintext]));
}

function sealNext(
  aead: ReturnType<typeof nodeCrypto.createBatchAead>,
  ...plaintext: Uint8Array[]
): Uint8Array {
  const target = new Uint8Array(concat(...plaintext).length + overheadBytes);
  aead.sealNext(plaintext, target);
  return target;
}

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

describe("a batch of short messages", () => {
  for (const [publishedKey, nonce, plaintext, ciphertext, tag] of published) {
    test(`seals and opens the published example of ${hex(plaintext).length} bytes`, () => {
      const aead = nodeCrypto.createBatchAead(hex(publishedKey));
      aead.prepare(hex(nonce + nonce), 64);
      const message = sealNext(aead, hex(plaintext));
      assert.equal(toHex(message), toHex(hex(nonce + ciphertext + tag)));
      assert.deepEqual(aead.openNext(message), hex(plaintext));
    });
  }

  test("seals every length as a cipher of its own would, and opens what that sealed", () => {
    const aead = nodeCrypto.createBatchAead(key);
    for (let length = 0; length <= 300; length++) {
      const plaintext = pattern(length, length);
      const nonce = nonceAt(length);
      aead.prepare(concat(nonce, nonce), length);
      const expected = sealed(key, nonce, plaintext);
      assert.deepEqual(sealNext(aead, plaintext), expected, `${length} bytes`);
      assert.deepEqual(aead.openNext(expected), plaintext, `${length} bytes`);
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
        const nonces = concat(...messages.map(({ nonce }) => nonce));
        const sealing = nodeCrypto.createBatchAead(key);
        const opening = nodeCrypto.createBatchAead(key);
        sealing.prepare(nonces, 270);
        opening.prepare(nonces, 270);
        for (const { nonce, parts } of messages) {
          const plaintext = concat(...parts);
          const expected = sealed(key, nonce, plaintext);
          assert.deepEqual(sealNext(sealing, ...parts), expected);
          assert.deepEqual(opening.openNext(expected), plaintext);
        }
      }),
    );
  });

  test("refuses a message with any one bit of ciphertext or tag changed, and opens the next all the same", () => {
    const plaintext = pattern(37);
    const message = sealed(key, nonceAt(1), plaintext);
    const aead = nodeCrypto.createBatchAead(key);
    for (let bit = 12 * 8; bit < message.length * 8; bit++) {
      aead.prepare(concat(nonceAt(1), nonceAt(1)), 37);
      assert.equal(aead.openNext(flipBit(message, bit)), undefined, `bit ${bit}`);
      assert.deepEqual(aead.openNext(message), plaintext, `bit ${bit}`);
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
      concat(message.subarray(0, 12), message.subarray(13)),
    ];
    for (const [index, each] of wrong.entries()) {
      const aead = nodeCrypto.createBatchAead(key);
      aead.prepare(nonceAt(1), 32);
      assert.equal(aead.openNext(each), undefined, `case ${index}`);
    }
  });

  test("tells how many nonces are left, and has none at first or after the last", () => {
    const aead = nodeCrypto.createBatchAead(key);
    assert.equal(aead.prepared, 0);
    assert.throws(() => sealNext(aead, hex("01")), RangeError);
    aead.prepare(concat(nonceAt(1), nonceAt(2)), 1);
    assert.equal(aead.prepared, 2);
    sealNext(aead, hex("01"));
    sealNext(aead, hex("01"));
    assert.equal(aead.prepared, 0);
    assert.throws(() => sealNext(aead, hex("01")), RangeError);
    assert.throws(() => aead.openNext(sealed(key, nonceAt(2), hex("01"))), RangeError);
  });

  test("refuses a plaintext that reaches into the next message's keystream, and writes nothing of it", () => {
    const aead = nodeCrypto.createBatchAead(key);
    aead.prepare(concat(nonceAt(1), nonceAt(2)), 16);
    const target = new Uint8Array(17 + overheadBytes);
    assert.throws(() => aead.sealNext([pattern(17)], target), RangeError);
    assert.deepEqual(target, new Uint8Array(17 + overheadBytes));
    assert.equal(aead.prepared, 2);
  });

  test("drops what was prepared before", () => {
    const aead = nodeCrypto.createBatchAead(key);
    aead.prepare(concat(nonceAt(1), nonceAt(2)), 100);
    aead.prepare(nonceAt(3), 1);
    assert.equal(aead.prepared, 1);
    assert.deepEqual(sealNext(aead, hex("01")), sealed(key, nonceAt(3), hex("01")));
  });

  test("keeps a key and nonces of its own: the caller's can be wiped", () => {
    const wipedKey = Uint8Array.from(key);
    const wipedNonces = nonceAt(1);
    const aead = nodeCrypto.createBatchAead(wipedKey);
    wipedKey.fill(0);
    aead.prepare(wipedNonces, 1);
    wipedNonces.fill(0);
    assert.deepEqual(sealNext(aead, hex("01")), sealed(key, nonceAt(1), hex("01")));
  });
});
