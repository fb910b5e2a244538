import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { DataMemory, isShared } from "#dist/protocol/data-memory.js";
import { concat, pattern } from "../support/bytes.ts";
import { lent, owned } from "../support/memory.ts";

const slabBytes = 8_192;
const maxSharedBytes = 2_048;

/** One that has given its first data. */
function used(): DataMemory {
  const memory = new DataMemory();
  for (let count = 0; count < 8; count++) memory.own(lent(pattern(1)), 0, 1);
  return memory;
}

describe("data for the application", () => {
  test("are alone in their memory at first, 8 times, and take none that others will have", () => {
    const memory = new DataMemory();
    for (let count = 0; count < 8; count++) {
      const data = memory.own(lent(pattern(100)), 10, 90);
      assert.equal(isShared(data), false);
      assert.equal(data.buffer.byteLength, 80);
      assert.deepEqual(data, pattern(100).subarray(10, 90));
    }
    const data = memory.own(owned(pattern(100)), 10, 90);
    assert.equal(isShared(data), true);
    assert.equal(data.buffer.byteLength, slabBytes);
  });

  test("share a slab up to 2 KiB, and are alone in their memory above", () => {
    const memory = used();
    for (const bytes of [1, 100, maxSharedBytes]) {
      const data = memory.own(lent(pattern(bytes)), 0, bytes);
      assert.equal(isShared(data), true);
      assert.equal(data.buffer.byteLength, slabBytes);
    }
    for (const bytes of [maxSharedBytes + 1, 100_000]) {
      const data = memory.own(lent(pattern(bytes)), 0, bytes);
      assert.equal(isShared(data), false);
      assert.equal(data.buffer.byteLength, bytes);
      assert.deepEqual(data, pattern(bytes));
    }
  });

  test("that are empty have a buffer of no length, also after one was transferred", () => {
    const memory = used();
    for (let count = 0; count < 3; count++) {
      const data = memory.own(lent(pattern(100)), 7, 7);
      assert.equal(isShared(data), true);
      const { buffer } = data;
      assert.equal(buffer.byteLength, 0);
      structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
    }
  });

  test("are whole, also those after one whose slab was transferred", () => {
    const memory = used();
    const record = lent(pattern(600));
    for (let start = 0; start < 600; start += 100) {
      const data = memory.own(record, start, start + 100);
      assert.deepEqual(data, pattern(600).subarray(start, start + 100));
      if (start % 200 === 0) structuredClone(data.buffer, { transfer: [data.buffer as ArrayBuffer] });
    }
  });

  test("are not copied when the record is owned and holds nothing else but a header", () => {
    const record = pattern(100_000);
    const memory = new DataMemory();
    assert.equal(memory.own(owned(record), 12, 100_000).buffer, record.buffer);
    for (const [start, end] of [
      [13, 100_000],
      [8, 99_999],
    ] as const) {
      const data = memory.own(owned(record), start, end);
      assert.equal(data.buffer.byteLength, end - start);
      assert.deepEqual(data, record.subarray(start, end));
    }
    assert.notEqual(memory.own(lent(record), 8, 100_000).buffer, record.buffer);
  });

  test("of one memory are in no buffer of another's", () => {
    const buffers = [used(), used()].map((memory) => memory.own(lent(pattern(100)), 0, 100).buffer);
    assert.notEqual(buffers[0], buffers[1]);
  });

  test("are what arrived, whatever the order and the sizes, though the records are overwritten after each", () => {
    const size = fc.oneof(fc.nat(100), fc.nat(3_000), fc.constantFrom(0, 2_047, 2_048, 2_049, 8_192));
    const record = fc.record({
      sizes: fc.array(size, { minLength: 1, maxLength: 30 }),
      isOwned: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 8 }), (records) => {
        const memory = new DataMemory();
        const all: [data: Uint8Array, expected: Uint8Array][] = [];
        for (const { sizes, isOwned } of records) {
          const expected = sizes.map((bytes, index) => pattern(bytes, index));
          const bytes = concat(...expected.flatMap((data) => [new Uint8Array(8), data]));
          const received = isOwned ? owned(bytes) : lent(bytes);
          let end = 0;
          const own = expected.map((data): [Uint8Array, Uint8Array] => {
            const start = end + 8;
            end = start + data.length;
            return [memory.own(received, start, end), data];
          });
          all.push(...own);
          if (own.every(([{ buffer }]) => buffer !== bytes.buffer)) bytes.fill(0xee);
        }
        for (const [data, expected] of all) assert.deepEqual(data, expected);
      }),
      { numRuns: 300 },
    );
  });
});
