import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { filesOf, loadFirst } from "../support/loading.ts";

describe("the parts of the endpoint", () => {
  for (const file of filesOf("endpoint")) {
    test(`${file} can be the first that is loaded, which does nothing else`, async () => {
      assert.deepEqual(await loadFirst(file), { code: 0, said: "" });
    });
  }
});
