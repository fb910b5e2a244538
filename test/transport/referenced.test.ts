import assert from "node:assert/strict";
import { test } from "node:test";
import { setReferenced } from "#dist/transport/referenced.js";

test("a handle is told whether it keeps the process alive", () => {
  const timer = setTimeout(() => {}, 60_000);
  setReferenced(timer, false);
  assert.equal(timer.hasRef(), false);
  setReferenced(timer, true);
  assert.equal(timer.hasRef(), true);
  clearTimeout(timer);
});
