import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { nodeCrypto, platformCrypto } from "#dist/crypto/node.js";
import { aeadNonceBytes, aeadTagBytes } from "#dist/protocol/crypto-provider.js";
import { createBatch } from "../support/batches.ts";
import { concat, flipBit, hex, pattern, toHex } from "../support/bytes.ts";

const compact = (bytes: Uint8Array) => toHex(bytes).replaceAll(" ", "");

test("sha256 is that of FIPS 180-2's example", () => {
  assert.equal(
    compact(nodeCrypto.sha256(new TextEncoder().encode("abc"))),
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
});

test("hmacSha256 is that of RFC 4231's test cases 1 and 6, in whatever parts", () => {
  const first = [new TextEncoder().encode("Hi"), hex(""), new TextEncoder().encode(" There")];
  assert.equal(
    compact(nodeCrypto.hmacSha256(new Uint8Array(20).fill(0x0b), first)),
    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
  );
  const sixth = new TextEncoder().encode("Test Using Larger Than Block-Size Key - Hash Key First");
  assert.equal(
    compact(nodeCrypto.hmacSha256(new Uint8Array(131).fill(0xaa), [sixth])),
    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
  );
});

describe("the AEAD", () => {
  const key = pattern(32);
  const nonce = pattern(aeadNonceBytes, 1);
  const aead = nodeCrypto.createAead(key);

  test("is AES-256-GCM: the GCM paper's test cases 13 and 14", () => {
    const zero = nodeCrypto.createAead(new Uint8Array(32));
    const seal = (plaintext: Uint8Array) => compact(concat(...zero.seal(new Uint8Array(12), [plaintext])));
    assert.equal(seal(hex("")), "530f8afbc74536b9a963b4f1c4cb738b");
    assert.equal(
      seal(new Uint8Array(16)),
      "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
    );
  });

  test("seals parts as one, and gives the tag last", () => {
    const whole = concat(...aead.seal(nonce, [hex("01 02 03 04 05")]));
    const parts = aead.seal(nonce, [hex("01 02"), hex(""), hex("03 04 05")]);
    assert.deepEqual(concat(...parts), whole);
    assert.equal(parts.at(-1)?.length, aeadTagBytes);
    assert.deepEqual(aead.open(nonce, whole), Uint8Array.of(1, 2, 3, 4, 5));
  });

  test("leaves the plaintext as it was", () => {
    const plaintext = hex("01 02 03");
    aead.seal(nonce, [plaintext]);
    assert.equal(toHex(plaintext), "01 02 03");
  });

  test("opens what it sealed, whatever that is and however it was cut", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 5 }), (parts) => {
        const opened = aead.open(nonce, concat(...aead.seal(nonce, parts)));
        assert.deepEqual(opened && Uint8Array.from(opened), concat(...parts));
      }),
      { numRuns: 100 },
    );
  });

  test("does not open what one bit was changed of, in the nonce, the ciphertext or the tag", () => {
    const sealed = concat(...aead.seal(nonce, [hex("01 02 03")]));
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      assert.equal(aead.open(nonce, flipBit(sealed, bit)), undefined);
    }
    for (let bit = 0; bit < nonce.length * 8; bit++) {
      assert.equal(aead.open(flipBit(nonce, bit), sealed), undefined);
    }
  });

  test("does not open what another key sealed, nor what was cut short", () => {
    const sealed = concat(...aead.seal(nonce, [hex("01 02 03")]));
    assert.equal(nodeCrypto.createAead(pattern(32, 9)).open(nonce, sealed), undefined);
    assert.equal(aead.open(nonce, sealed.subarray(1)), undefined);
    assert.equal(aead.open(nonce, sealed.subarray(0, -1)), undefined);
  });

  test("opens nothing by a part of the tag, as OpenSSL would by four bytes of it", () => {
    const sealed = concat(...aead.seal(nonce, [pattern(8)]));
    const ciphertextAndPart = sealed.subarray(0, 8 + 4);
    assert.throws(() => aead.open(nonce, ciphertextAndPart));
  });

  test("seals additional data with the rest: the GCM paper's test case 16", () => {
    const keyOf16 = hex("feffe9928665731c6d6a8f9467308308 feffe9928665731c6d6a8f9467308308");
    const plaintext = hex(
      "d9313225f88406e5a55909c5aff5269a 86a7a9531534f7da2e4c303d8a318a72" +
        "1c3c0c95956809532fcf0e2449a6b525 b16aedf5aa0de657ba637b39",
    );
    const additional = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    const nonceOf16 = hex("cafebabefacedbaddecaf888");
    const paper = nodeCrypto.createAead(keyOf16);
    const sealed = concat(...paper.seal(nonceOf16, [plaintext], additional));
    assert.equal(
      compact(sealed),
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa" +
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662" +
        "76fc6ece0f4e1768cddf8853bb2d551b",
    );
    assert.deepEqual(paper.open(nonceOf16, sealed, additional), plaintext);
    assert.equal(paper.open(nonceOf16, sealed, flipBit(additional, 0)), undefined);
    assert.equal(paper.open(nonceOf16, sealed), undefined);
  });

  test("does nothing more once it is wiped", () => {
    const wiped = nodeCrypto.createAead(key);
    wiped.wipe();
    assert.throws(() => wiped.seal(nonce, [hex("01")]), TypeError);
    assert.throws(() => wiped.open(nonce, pattern(17)), TypeError);
  });

  test("has its own copy of the key: the caller's can be wiped", () => {
    const wiped = Uint8Array.from(key);
    const kept = nodeCrypto.createAead(wiped);
    wiped.fill(0);
    assert.deepEqual(kept.seal(nonce, [hex("01")]), aead.seal(nonce, [hex("01")]));
  });
});

describe("random bytes", () => {
  test("are as many as were asked for, in memory of their own", () => {
    for (const count of [0, 1, 12, 32, 4_095, 4_096, 4_097, 10_000]) {
      const bytes = nodeCrypto.randomBytes(count);
      assert.deepEqual([bytes.length, bytes.buffer.byteLength], [count, count]);
    }
  });

  test("are never given twice, nor zero", () => {
    const seen = new Set<string>();
    for (let count = 0; count < 200; count++) seen.add(toHex(nodeCrypto.randomBytes(16)));
    assert.equal(seen.size, 200);
    assert.ok(nodeCrypto.randomBytes(5_000).some((byte) => byte !== 0));
  });
});

describe("random nonces", () => {
  test("are as many as were asked for", () => {
    for (const count of [0, 1, 8, 64, 341, 342, 1_000]) {
      assert.equal(nodeCrypto.randomNonces(count).length, 12 * count);
    }
  });

  test("are never given twice, across the ends of what was fetched at once", () => {
    const seen = new Set<string>();
    for (let count = 0; count < 2_000; count++) seen.add(toHex(nodeCrypto.randomNonces(1)));
    assert.equal(seen.size, 2_000);
  });

  test("are the caller's own: what it does to them changes no others", () => {
    const first = nodeCrypto.randomNonces(1);
    const second = nodeCrypto.randomNonces(1);
    const before = toHex(second);
    first.fill(0);
    assert.equal(toHex(second), before);
    second.fill(0);
    assert.notEqual(toHex(nodeCrypto.randomNonces(1)), toHex(second));
  });

  test("may be drawn 2^32 times under one key", () => assert.equal(nodeCrypto.randomNoncesPerKey, 2 ** 32));
});

describe("batches", () => {
  test("have no key any more once they are wiped", () => {
    const batch = createBatch(pattern(32), "known");
    batch.prepare(pattern(12), 100);
    batch.wipe();
    assert.throws(() => batch.prepare(pattern(12), 100));
  });

  test("are all that the platform's cryptography alone is without", () => {
    const { createAead, ...others } = platformCrypto;
    assert.deepEqual({ ...others, createAead: nodeCrypto.createAead }, nodeCrypto);
    assert.equal(createAead(pattern(32)).createBatch("known"), undefined);
    assert.equal(createAead(pattern(32)).createBatch("carried"), undefined);
  });
});

test("what is secret lies in memory of its own, not in a pool that others have a part of", () => {
  const [one, other] = [nodeCrypto.generateKeyPair(), nodeCrypto.generateKeyPair()];
  const secrets = {
    "a shared secret": one.deriveSharedSecret(other.publicKey),
    "a hash": nodeCrypto.sha256(pattern(48)),
    "an HMAC": nodeCrypto.hmacSha256(pattern(32), [pattern(10)]),
  };
  for (const [what, bytes] of Object.entries(secrets)) {
    assert.ok(bytes !== undefined && bytes.length > 0, what);
    assert.equal(bytes.buffer.byteLength, bytes.length, what);
  }
});
