import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "#dist/crypto/node.js";
import { SmallRecords } from "#dist/protocol/native/wire/small-records.js";
import { createBatch } from "../../../support/batches.ts";
import { pattern } from "../../../support/bytes.ts";

/** For which records nonces were drawn, and for how many bytes, in order. */
function setUp(isAvailable = true) {
  let made = 0;
  const prepared: { from: number; to: number; bytes: number }[] = [];
  const numbers: number[] = [];
  const batch = createBatch(pattern(32), "known");
  const prepare = batch.prepare.bind(batch);
  batch.prepare = (nonces, bytes) => {
    assert.equal(nonces.length, 12 * numbers.length);
    prepared.push({ from: numbers[0] as number, to: numbers.at(-1) as number, bytes });
    numbers.length = 0;
    prepare(nonces, bytes);
  };
  const aead = nodeCrypto.createAead(pattern(32));
  aead.createBatch = (nonces) => {
    assert.equal(nonces, "known");
    made += 1;
    return isAvailable ? batch : undefined;
  };
  const records = new SmallRecords(aead, (_nonces, offset, number) => {
    assert.equal(offset, 12 * numbers.length);
    numbers.push(number);
  });
  let number = 0;
  /** The next record, sealed by the batch where it is for that. */
  const next = (bytes: number): boolean => {
    const batch = records.take(number, bytes);
    number += 1;
    batch?.sealNext([pattern(bytes)], new Uint8Array(bytes + 16));
    return batch !== undefined;
  };
  return {
    prepared,
    next,
    made: () => made,
    count: (count: number, bytes = 40) => Array.from({ length: count }, () => next(bytes)),
  };
}

const times = (count: number, value: boolean): boolean[] => Array(count).fill(value);

describe("runs of small records", () => {
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
    const { count } = setUp(false);
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

  test("are prepared for fewer records if those are longer", () => {
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

  test("end with a record of more than 1152 bytes, and what was prepared is dropped", () => {
    const { prepared, count } = setUp();
    count(17, 1_152);
    assert.equal(prepared.length, 1);
    assert.deepEqual(count(1, 1_153), [false]);
    assert.deepEqual(count(16), times(16, false));
    assert.deepEqual(count(1), [true]);
    assert.equal(prepared.at(-1)?.from, 34);
  });
});
