import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { nodeCrypto } from "#dist/crypto/node.js";
import { deriveTrafficKey } from "#dist/protocol/classic/key-schedule.js";
import { concat, hex, pattern, toHex } from "../../support/bytes.ts";

const sha256 = (bytes: Uint8Array) => Uint8Array.from(createHash("sha256").update(bytes).digest());

/** A secret of 48 bytes, of which the first are 0. */
function secretWithZeros(count: number): Uint8Array {
  return concat(
    new Uint8Array(count),
    pattern(48 - count, 1).map((byte, index) => (index === 0 ? 0xa5 : byte)),
  );
}

function derive(secret: Uint8Array): Uint8Array {
  return Uint8Array.from(deriveTrafficKey(secret, nodeCrypto));
}

describe("the traffic key", () => {
  test("is SHA-256 of the shared secret", () => {
    const secret = secretWithZeros(0);
    assert.deepEqual(derive(secret), sha256(secret));
  });

  for (const zeros of [1, 2, 3, 47]) {
    test(`is made without the secret's ${zeros} leading zero bytes`, () => {
      const secret = secretWithZeros(zeros);
      assert.deepEqual(derive(secret), sha256(secret.subarray(zeros)));
      assert.notDeepEqual(derive(secret), sha256(secret), "with them it would be another");
    });
  }

  test("keeps zero bytes that are not at the front", () => {
    const secret = concat(hex("00 01 00"), new Uint8Array(45));
    assert.deepEqual(derive(secret), sha256(secret.subarray(1)));
  });

  test("is made of nothing if the secret is 0", () => {
    assert.equal(
      toHex(derive(new Uint8Array(48))).replaceAll(" ", ""),
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
  });

  test("leaves the secret as it was: to wipe it is the caller's", () => {
    const secret = secretWithZeros(1);
    derive(secret);
    assert.deepEqual(secret, secretWithZeros(1));
  });
});
