import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { freshName } from "../support/names.ts";

test("the example of a GUI without Node, whose page speaks in lines, runs", () => {
  const main = fileURLToPath(new URL("../../examples/gui/main.js", import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, freshName()], {
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.equal(stderr, "");
  assert.equal(status, 0);
  assert.deepEqual(stdout.trim().split("\n"), [
    "saved: shopping",
    "there are: shopping",
    "may open notes: false",
    "the bridge ends: 0",
  ]);
});
