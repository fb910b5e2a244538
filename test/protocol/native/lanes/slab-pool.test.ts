import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { giveSlab, takeSlab } from "#dist/protocol/native/lanes/slab-pool.js";
import { lengthOnceGiven } from "../../../support/memory.ts";

const step = 16_384;
const maxBytes = 4_194_304;

/** Takes slabs until the pool has so many bytes of them no more. */
function takeAll(bytes: number, count: number): Uint8Array[] {
  return Array.from({ length: count }, () => takeSlab(bytes));
}

describe("a slab", () => {
  test("has at least as many bytes as were asked for, in steps of 16 KiB", () => {
    for (const [asked, got] of [
      [1, step],
      [step, step],
      [step + 1, 2 * step],
      [130_048, 8 * step],
      [8 * step, 8 * step],
    ] as const) {
      const slab = takeSlab(asked);
      assert.equal(slab.length, got);
      assert.equal(slab.buffer.byteLength, got);
    }
  });

  test("that was given is the next of its size, whole, though only its start was in use", () => {
    const slab = takeSlab(step + 1);
    giveSlab(slab.subarray(0, step + 1));
    assert.notEqual(takeSlab(step).buffer, slab.buffer, "another size");
    assert.notEqual(takeSlab(2 * step + 1).buffer, slab.buffer, "another size");
    const again = takeSlab(2 * step);
    assert.equal(again.buffer, slab.buffer);
    assert.equal(again.length, 2 * step);
  });

  test("that was given is wiped, so that nothing of one connection is in the memory of another", () => {
    for (const bytes of [step + 5, 2 * step]) {
      const used = takeSlab(bytes).subarray(0, bytes);
      used.fill(0xaa);
      giveSlab(used);
      const again = takeSlab(bytes);
      assert.equal(again.buffer, used.buffer);
      assert.ok(again.every((byte) => byte === 0));
    }
  });

  test("is given to one taker", () => {
    const slabs = takeAll(step, 10);
    for (const slab of slabs) giveSlab(slab);
    const again = takeAll(step, 20).map(({ buffer }) => buffer);
    assert.equal(new Set(again).size, 20);
    for (const { buffer } of slabs) assert.ok(again.includes(buffer));
  });

  test("is kept while there are 4 MiB of them, whatever their sizes; more is given back", () => {
    const sizes = [step, 3 * step, 12 * step];
    const perRound = 16 * step;
    const slabs = Array.from({ length: maxBytes / perRound }, () => sizes.map(takeSlab)).flat();
    for (const slab of slabs) giveSlab(slab);
    for (const { buffer } of slabs) assert.notEqual(buffer.byteLength, 0, "it is kept");
    const other = takeSlab(2 * step);
    giveSlab(other);
    assert.equal(other.length, lengthOnceGiven(2 * step));
    assert.notEqual(takeSlab(2 * step).buffer, other.buffer, "and is nobody's");

    const one = takeSlab(step);
    const next = takeSlab(2 * step);
    giveSlab(next);
    assert.equal(next.length, lengthOnceGiven(2 * step), "one step is free, and this has two");
    giveSlab(one);
    const again = sizes.flatMap((size) => takeAll(size, maxBytes / perRound)).map(({ buffer }) => buffer);
    assert.deepEqual(new Set(again), new Set(slabs.map(({ buffer }) => buffer)));
  });
});
