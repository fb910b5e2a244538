import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { minReleasedBytes, release, releaseData } from "#dist/protocol/memory.js";
import { pattern } from "../support/bytes.ts";
import { givesBack, lengthOnceGiven } from "../support/memory.ts";

/** The bytes as a view of memory with so much more around them. */
function within(count: number, { before = 0, after = 0 }): Uint8Array {
  const memory = new Uint8Array(before + count + after);
  memory.set(pattern(count), before);
  return memory.subarray(before, before + count);
}

describe("memory that is given back", () => {
  test("is gone at once, if the engine can, and otherwise stays as it is", () => {
    for (const count of [minReleasedBytes, minReleasedBytes + 1, 1_000_000]) {
      const bytes = pattern(count);
      release(bytes);
      assert.equal(bytes.length, lengthOnceGiven(count));
      assert.equal(bytes.buffer.byteLength, lengthOnceGiven(count));
      if (!givesBack) assert.deepEqual(bytes, pattern(count));
    }
  });

  test("can be given back on every engine that the project knows as one that can", () => {
    assert.equal(givesBack, Number.parseInt(process.versions.node, 10) >= 22);
  });

  test("may be given back twice", () => {
    const bytes = pattern(minReleasedBytes);
    release(bytes);
    release(bytes);
    assert.equal(bytes.length, lengthOnceGiven(minReleasedBytes));
  });

  test("is moved to nowhere, in one call", () => {
    const bytes = pattern(minReleasedBytes);
    const calls: unknown[][] = [];
    Object.defineProperty(bytes.buffer, "transfer", {
      value: (...given: unknown[]) => calls.push(given),
    });
    release(bytes);
    assert.deepEqual(calls, [[0]]);
  });

  test("is none if the engine has no word for it", () => {
    const bytes = pattern(minReleasedBytes);
    Object.defineProperty(bytes.buffer, "transfer", { value: undefined });
    release(bytes);
    assert.deepEqual(bytes, pattern(minReleasedBytes));
  });

  test("is none if there is little of it", () => {
    for (const count of [0, 1, minReleasedBytes - 1]) {
      const bytes = pattern(count);
      release(bytes);
      assert.deepEqual(bytes, pattern(count));
    }
  });

  test("is none if only a part of it is shown, whichever", () => {
    for (const around of [{ before: 1 }, { after: 1 }, { before: 1, after: 1 }, { after: 1_000_000 }]) {
      const bytes = within(minReleasedBytes, around);
      release(bytes);
      assert.deepEqual(bytes, pattern(minReleasedBytes));
    }
  });

  test("of a Buffer from the pool is left alone", () => {
    const pooled = Buffer.allocUnsafe(100);
    const bytes = Buffer.from(pooled.buffer, pooled.byteOffset, pooled.length);
    const before = bytes.buffer.byteLength;
    release(bytes);
    assert.equal(bytes.buffer.byteLength, before);
  });
});

describe("a message's memory that is given back", () => {
  const count = minReleasedBytes;

  test("is gone if its headers are all that was there besides", () => {
    for (const before of [0, 4, 8, 12]) {
      const data = within(count, { before });
      releaseData(data);
      assert.equal(data.length, lengthOnceGiven(count), `${before} bytes before`);
    }
  });

  test("stays if something may be before it or behind it, or it is small", () => {
    for (const data of [
      within(count, { before: 13 }),
      within(count, { after: 1 }),
      within(count, { before: 4, after: 1 }),
      within(count - 13, { before: 12 }),
    ]) {
      const before = Uint8Array.from(data);
      releaseData(data);
      assert.deepEqual(data, before);
    }
  });
});
