import { describe, test } from "node:test";
import fc from "fast-check";
import { properties } from "./properties.ts";

describe("what holds whatever a peer does", () => {
  for (const { title, runs, property } of properties) {
    test(title, () => {
      fc.assert(property, { numRuns: runs });
    });
  }
});
