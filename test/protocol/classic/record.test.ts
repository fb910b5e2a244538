import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RecordProtection, sealedOverheadBytes } from "#dist/protocol/classic/record.js";
import { concat, flipBit, hex, pattern, toHex } from "../../support/bytes.ts";
import { fixedCrypto } from "../../support/fixed-crypto.ts";
import { clientPrivateKey, frame, SealedWire } from "../../support/hand-made-peer.ts";
import { thrownCode } from "../../support/session-probe.ts";

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
});
