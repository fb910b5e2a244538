import assert from "node:assert/strict";
import { test } from "node:test";
import { setReferenced } from "#dist/transport/referenced.js";

test("a handle is set to keep the process alive, or not to", () => {
  const timer = setTimeout(() => {}, 60_000);
  setReferenced(timer, false);
  assert.equal(timer.hasRef(), false);
  setReferenced(timer, true);
  assert.equal(timer.hasRef(), true);
  clearTimeout(timer);
});
