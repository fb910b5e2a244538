import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { nodeCrypto } from "#dist/crypto/node.js";
import { createBatch } from "../support/batches.ts";
import { concat, hex, toHex } from "../support/bytes.ts";

interface Vector {
  readonly tcId: number;
  readonly comment: string;
  readonly flags: readonly string[];
  readonly key: string;
  readonly iv: string;
  readonly aad: string;
  readonly msg: string;
  readonly ct: string;
  readonly tag: string;
  readonly result: "valid" | "invalid";
}

const file = new URL("../../../test/vectors/wycheproof/aes_gcm_test.json", import.meta.url);
const { tests } = JSON.parse(readFileSync(file, "utf8")) as { readonly tests: readonly Vector[] };
/** What a batch takes. */
const maxAdditionalBytes = 16;

function openAlone({ key, iv, aad, ct, tag }: Vector): Uint8Array | undefined {
  return nodeCrypto.createAead(hex(key)).open(hex(iv), hex(ct + tag), hex(aad));
}

function sealAlone({ key, iv, aad, msg }: Vector): Uint8Array {
  return concat(...nodeCrypto.createAead(hex(key)).seal(hex(iv), [hex(msg)], hex(aad)));
}

function prepared({ key, iv, msg }: Vector, nonces: "carried" | "known") {
  const batch = createBatch(hex(key), nonces);
  // Not as the first of the batch, so that its keystream has to be found.
  batch.prepare(concat(new Uint8Array(12), hex(iv), hex(iv)), hex(msg).length + 20);
  batch.sealNext([hex("00")], new Uint8Array(1 + 16 + (nonces === "carried" ? 12 : 0)));
  return batch;
}

describe("Wycheproof's vectors for AES-256-GCM", () => {
  test("are all there", () => {
    assert.equal(tests.length, 66);
    assert.equal(tests.filter(({ result }) => result === "invalid").length, 27);
    assert.ok(tests.filter(({ aad }) => hex(aad).length <= maxAdditionalBytes).length > 50);
  });

  for (const vector of tests) {
    const { tcId, comment, iv, aad, msg, ct, tag, result } = vector;
    const name = `${tcId}, ${result}${comment === "" ? "" : `: ${comment}`}`;
    const isValid = result === "valid";

    test(`come out with a cipher for each message (${name})`, () => {
      const opened = openAlone(vector);
      assert.equal(opened && toHex(opened), isValid ? toHex(hex(msg)) : undefined);
      assert.equal(toHex(sealAlone(vector)) === toHex(hex(ct + tag)), isValid);
    });

    if (hex(aad).length > maxAdditionalBytes) continue;
    test(`come out in a batch, with nonces that both ends know (${name})`, () => {
      const batch = prepared(vector, "known");
      const target = concat(hex(aad), new Uint8Array(hex(msg).length + 16));
      batch.sealNext([hex(msg)], target, hex(aad).length);
      assert.equal(toHex(target) === toHex(hex(aad + ct + tag)), isValid);
      const opened = batch.openNext(hex(ct + tag), hex(aad));
      assert.equal(opened && toHex(opened), isValid ? toHex(hex(msg)) : undefined);
    });

    if (aad !== "") continue;
    test(`come out in a batch, with nonces that are carried (${name})`, () => {
      const batch = prepared(vector, "carried");
      const target = new Uint8Array(12 + hex(msg).length + 16);
      batch.sealNext([hex(msg)], target);
      assert.equal(toHex(target) === toHex(hex(iv + ct + tag)), isValid);
      const opened = batch.openNext(hex(iv + ct + tag));
      assert.equal(opened && toHex(opened), isValid ? toHex(hex(msg)) : undefined);
    });
  }
});
