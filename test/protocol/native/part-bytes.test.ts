import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { IncomingBodies } from "#dist/protocol/native/lanes/incoming-bodies.js";
import { frameHeaderBytes } from "#dist/protocol/native/wire/frame.js";
import { concat, pattern } from "../../support/bytes.ts";
import { lent } from "../../support/memory.ts";

const partBytes = 16_384;

/**
 * A body of five parts, the first of which, too little to allocate the whole for, lies in a record with so much around it
 * that is written over meanwhile.
 */
function assemble({ before = 0, after = 0 }): Uint8Array | undefined {
  const bodies = new IncomingBodies({ maxMessageBytes: 100_000, maxUnderWay: 1 });
  const start = before + frameHeaderBytes;
  const record = concat(new Uint8Array(start), pattern(partBytes, 1), new Uint8Array(after));
  const totalBytes = 4 * partBytes + 10;
  bodies.start(
    { id: 0, type: 1, totalBytes },
    { bytes: record.subarray(start, start + partBytes), owned: before + after === 0 },
    0,
  );
  record.fill(0);
  for (let number = 2; number < 5; number++) bodies.part(0, lent(pattern(partBytes, number)), 0);
  return bodies.part(0, lent(pattern(10, 5)), 0)?.data;
}

describe("a large body's part", () => {
  const rest = concat(...[2, 3, 4].map((number) => pattern(partBytes, number)), pattern(10, 5));
  const whole = concat(pattern(partBytes, 1), rest);

  test("that came with far more than itself does not hold that", () => {
    assert.deepEqual(assemble({ after: 2 * partBytes }), whole);
  });

  test("that came with anything else, before it or behind it, is copied", () => {
    for (const around of [
      { before: 1 },
      { after: 1 },
      { before: 100 },
      { after: 100 },
      { before: 4, after: 4 },
    ]) {
      assert.deepEqual(assemble(around), whole);
    }
  });

  test("that is alone in its record is not copied before a quarter of all has come", () => {
    assert.deepEqual(assemble({}), concat(new Uint8Array(partBytes), rest));
  });
});
