import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { isFailureCode } from "#dist/protocol/native/wire/failure.js";

describe("a failure's code", () => {
  for (const code of ["A", "ERR_NO_HANDLER", "404", "_", "A".repeat(64)]) {
    test(`can be ${code}`, () => assert.equal(isFailureCode(code), true));
  }

  for (const code of [
    "",
    "a",
    "NO HANDLER",
    "Ä",
    "A\n",
    "\nA",
    "A".repeat(65),
    404,
    null,
    undefined,
    ["A"],
  ]) {
    test(`cannot be ${inspect(code)}`, () => assert.equal(isFailureCode(code), false));
  }
});
