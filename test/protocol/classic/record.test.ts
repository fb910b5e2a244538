import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RecordProtection, sealedOverheadBytes } from "#dist/protocol/classic/record.js";
import { concat, flipBit, hex, pattern, toHex } from "../../support/bytes.ts";
import { thrownCode } from "../../support/engine-probe.ts";
import { fixedCrypto } from "../../support/fixed-crypto.ts";
import { clientPrivateKey, frame, SealedWire } from "../../support/hand-made-peer.ts";

const key = pattern(32);
const crypto = () => fixedCrypto({ privateKey: clientPrivateKey, nonces: [hex("0102030405060708090a0b0c")] });
const records = () => new RecordProtection(key, crypto());

describe("RecordProtection", () => {
  test("seals as nonce, ciphertext, tag", () => {
    const sealed = concat(...records().seal([hex("01 02"), hex("03")]));
    assert.equal(sealed.length, 3 + sealedOverheadBytes);
    assert.equal(toHex(sealed.subarray(0, 12)), "01 02 03 04 05 06 07 08 09 0a 0b 0c");
    assert.equal(toHex(new SealedWire(key).open(frame(sealed))), "01 02 03");
  });

  test("takes a fresh nonce for each record", () => {
    const protection = new RecordProtection(key, fixedCrypto({ privateKey: clientPrivateKey }));
    const [first] = protection.seal([hex("01")]);
    const [second] = protection.seal([hex("01")]);
    assert.notDeepEqual(first, second);
  });

  test("opens what a peer sealed", () => {
    const payload = new SealedWire(key).seal(hex("01 02 03")).subarray(4);
    assert.equal(toHex(records().open(payload).bytes), "01 02 03");
  });

  test("opens an empty plaintext", () => {
    assert.equal(records().open(concat(...records().seal([]))).bytes.length, 0);
  });

  test("refuses a payload with any one bit changed", () => {
    const payload = concat(...records().seal([hex("01 02 03")]));
    for (let bit = 0; bit < payload.length * 8; bit++) {
      assert.equal(
        thrownCode(() => records().open(flipBit(payload, bit))),
        "ERR_DECRYPTION_FAILED",
        `bit ${bit}`,
      );
    }
  });

  test("refuses what was sealed under another key", () => {
    const payload = new SealedWire(pattern(32, 1)).seal(hex("01")).subarray(4);
    assert.throws(() => records().open(payload), { code: "ERR_DECRYPTION_FAILED", fault: "peer" });
  });

  test("keeps a key of its own: the caller's can be wiped", () => {
    const wiped = Uint8Array.from(key);
    const protection = new RecordProtection(wiped, crypto());
    wiped.fill(0);
    assert.equal(toHex(protection.open(new SealedWire(key).seal(hex("01")).subarray(4)).bytes), "01");
  });

  test("seals and opens no more with one key than as many nonces drawn at random allow", () => {
    const wire = new SealedWire(key);
    for (const receives of [0, 1, 3, 20]) {
      const protection = new RecordProtection(key, {
        ...fixedCrypto({ privateKey: clientPrivateKey }),
        randomNoncesPerKey: 40,
      });
      for (let count = 0; count < receives; count++) protection.open(wire.seal(hex("01")).subarray(4));
      // Alone, and then in batches.
      for (let count = receives; count < 40; count++) {
        assert.equal(protection.isSpent, false);
        if (count % 2 === 0) protection.seal([hex("01")]);
        else protection.sealInto(new Uint8Array(1 + sealedOverheadBytes), [hex("01")]);
      }
      assert.equal(protection.isSpent, true);
      const target = new Uint8Array(1 + sealedOverheadBytes);
      assert.throws(() => protection.seal([hex("01")]), RangeError);
      assert.throws(() => protection.sealInto(target, [hex("01")]), RangeError);
      assert.ok(target.every((byte) => byte === 0));
    }
  });

  test("does nothing more once it is wiped", () => {
    const protection = records();
    for (let count = 0; count < 20; count++)
      protection.sealInto(new Uint8Array(1 + sealedOverheadBytes), [hex("01")]);
    protection.wipe();
    assert.throws(() => protection.seal([hex("01")]), TypeError);
    assert.throws(() => protection.open(new SealedWire(key).seal(hex("01")).subarray(4)), TypeError);
    assert.throws(() => protection.sealInto(new Uint8Array(1 + sealedOverheadBytes), [hex("01")]));
  });
});
