import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "#dist/crypto/node.js";
import { ShortMessages } from "#dist/protocol/short-messages.js";
import { createBatch } from "../support/batches.ts";
import { pattern } from "../support/bytes.ts";

/** For which records nonces were drawn, and for how many bytes, in order. */
function setUp({ isAvailable = true, kind = "known" as "known" | "carried" } = {}) {
  let made = 0;
  const prepared: { from: number; to: number; bytes: number }[] = [];
  const taken: Uint8Array[] = [];
  let drawn = { from: 0, to: 0 };
  const batch = createBatch(pattern(32), kind);
  const prepare = batch.prepare.bind(batch);
  batch.prepare = (nonces, bytes) => {
    prepared.push({ ...drawn, bytes });
    prepare(nonces, bytes);
  };
  const aead = nodeCrypto.createAead(pattern(32));
  aead.createBatch = (nonces) => {
    assert.equal(nonces, kind);
    made += 1;
    return isAvailable ? batch : undefined;
  };
  const messages = new ShortMessages(aead, {
    kind,
    draw: (count, from = 0) => {
      drawn = { from, to: from + count - 1 };
      const nonces = new Uint8Array(12 * count).fill(7);
      taken.push(nonces);
      return nonces;
    },
  });
  let number = 0;
  /** The next message, sealed by the batch where it is for that. */
  const next = (bytes: number): boolean => {
    const batch = messages.take(bytes, kind === "known" ? number : undefined);
    number += 1;
    batch?.sealNext([pattern(bytes)], new Uint8Array((kind === "carried" ? 12 : 0) + bytes + 16));
    return batch !== undefined;
  };
  return {
    prepared,
    taken,
    next,
    made: () => made,
    count: (count: number, bytes = 40) => Array.from({ length: count }, () => next(bytes)),
  };
}

const times = (count: number, value: boolean): boolean[] => Array(count).fill(value);

describe("runs of short messages", () => {
  test("begin after 16 of them, with nonces for 8, and twice as many each time, up to 64", () => {
    const { prepared, count } = setUp();
    assert.deepEqual(count(16), times(16, false));
    assert.deepEqual(prepared, []);
    assert.deepEqual(count(8 + 16 + 32 + 64 + 64), times(184, true));
    assert.deepEqual(
      prepared.map(({ from, to }) => [from, to]),
      [
        [16, 23],
        [24, 39],
        [40, 71],
        [72, 135],
        [136, 199],
      ],
    );
  });

  test("have no batch made for them before they begin, and then one", () => {
    const { count, made } = setUp();
    count(16);
    count(5, 1_153);
    count(16);
    assert.equal(made(), 0);
    count(30);
    count(5, 1_153);
    count(30);
    assert.equal(made(), 1);
  });

  test("do not begin if the runtime has no batches", () => {
    const { count } = setUp({ isAvailable: false });
    assert.deepEqual(count(200), times(200, false));
  });

  test("are prepared for the longest of late, and anew for a longer one, with the numbers of then", () => {
    const { prepared, count } = setUp();
    count(16, 200);
    count(3, 10);
    count(1, 11);
    count(15, 5);
    assert.deepEqual(prepared, [
      { from: 16, to: 23, bytes: 10 },
      { from: 19, to: 34, bytes: 11 },
    ]);
    count(1, 4);
    assert.deepEqual(prepared.at(-1), { from: 35, to: 66, bytes: 5 });
  });

  test("are prepared for fewer messages if those are longer", () => {
    const { prepared, count } = setUp();
    assert.deepEqual(count(16 + 8 + 14 + 14, 1_100), [...times(16, false), ...times(36, true)]);
    assert.deepEqual(
      prepared.map(({ from, to }) => [from, to]),
      [
        [16, 23],
        [24, 37],
        [38, 51],
      ],
    );
  });

  test("end with a message of more than 1152 bytes if nonces are known, and what was prepared is dropped", () => {
    const { prepared, count } = setUp();
    count(17, 1_152);
    assert.equal(prepared.length, 1);
    assert.deepEqual(count(1, 1_153), [false]);
    assert.deepEqual(count(16), times(16, false));
    assert.deepEqual(count(1), [true]);
    assert.equal(prepared.at(-1)?.from, 34);
  });

  test("go on after a longer one if each carries its nonce", () => {
    const { prepared, count } = setUp({ kind: "carried" });
    count(17);
    assert.deepEqual(count(1, 1_153), [false]);
    assert.deepEqual(count(7), times(7, true));
    assert.equal(prepared.length, 1);
  });

  test("leave none of the nonces that were drawn", () => {
    const { taken, count } = setUp();
    count(16 + 8 + 1);
    assert.equal(taken.length, 2);
    for (const nonces of taken) assert.ok(nonces.every((byte) => byte === 0));
  });
});
