import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { targets } from "./targets.ts";

describe("what holds whatever a peer or a caller does", () => {
  for (const { title, runs, property } of targets) {
    test(title, () => {
      fc.assert(property, { numRuns: runs });
    });
  }

  test("each target has a title of its own, by which it is chosen", () => {
    assert.equal(new Set(targets.map(({ title }) => title)).size, targets.length);
  });
});
