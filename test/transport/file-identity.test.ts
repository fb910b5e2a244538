import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isSame } from "#dist/transport/file-identity.js";

describe("a file", () => {
  const wanted = { device: 1n, inode: 2n };

  test("is the same by its device and its inode", () => {
    assert.equal(isSame({ device: 1n, inode: 2n }, wanted), true);
  });

  test("is another if either differs, or if there is none", () => {
    for (const found of [{ device: 2n, inode: 2n }, { device: 1n, inode: 1n }, undefined]) {
      assert.equal(isSame(found, wanted), false);
    }
  });
});
