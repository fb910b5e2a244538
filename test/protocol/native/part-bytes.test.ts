import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { IncomingBodies } from "#dist/protocol/native/incoming-bodies.js";
import { concat, pattern } from "../../support/bytes.ts";

const partBytes = 16_384;

/** A body of two parts, each of which lies in so many bytes that are written over once it was taken. */
function assemble(around: number): Uint8Array | undefined {
  const bodies = new IncomingBodies({ maxMessageBytes: 100_000, highestUnderWay: 1 });
  const first = concat(pattern(partBytes, 1), new Uint8Array(around));
  bodies.start({ id: 0, type: 1, totalBytes: partBytes + 10 }, first.subarray(0, partBytes));
  first.fill(0);
  return bodies.part(0, pattern(10, 2))?.data;
}

describe("a large body's part", () => {
  test("that came with far more than itself does not hold that", () => {
    const whole = concat(pattern(partBytes, 1), pattern(10, 2));
    assert.deepEqual(assemble(2 * partBytes), whole);
  });

  test("that is most of what it came in is not copied before all have come", () => {
    const whole = concat(new Uint8Array(partBytes), pattern(10, 2));
    assert.deepEqual(assemble(100), whole);
  });
});
