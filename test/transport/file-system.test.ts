import assert from "node:assert/strict";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ignoreMissing } from "#dist/transport/file-system.js";
import { freshDirectory } from "../support/names.ts";

describe("what is looked for in the file system", () => {
  test("may be missing", async () => {
    assert.equal(await ignoreMissing(lstat(join(freshDirectory(), "gone"))), undefined);
  });

  test("is not considered missing if it cannot be looked for", async () => {
    await assert.rejects(ignoreMissing(lstat(`${freshDirectory()}/\0`)), { code: "ERR_INVALID_ARG_VALUE" });
    await assert.rejects(ignoreMissing(lstat(join(import.meta.filename, "below"))), { code: "ENOTDIR" });
  });
});
