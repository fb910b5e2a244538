import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { freshName } from "../support/names.ts";

test("the example of a contract, a daemon and an app, runs", () => {
  const main = fileURLToPath(new URL("../../examples/notes/main.js", import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, freshName()], {
    encoding: "utf8",
    timeout: 30_000,
  });
  assert.equal(stderr, "");
  assert.equal(status, 0);
  assert.deepEqual(stdout.trim().split("\n").sort(), [
    '"shopping" has 2 lines',
    'app 1 edits "shopping"',
    'not found: "holiday"',
    "refused: title: Too small: expected string to have >=1 characters",
    'saved: "shopping"',
    "the daemon listens",
    "there are: shopping",
  ]);
});
