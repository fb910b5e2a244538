import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, test } from "node:test";
import { onAbort } from "#dist/endpoint/reading/abort-listeners.js";

function listeners(signal: AbortSignal): number {
  return getEventListeners(signal, "abort").length;
}

describe("those who wait for an abort", () => {
  test("are all called, in order, by one listener of the signal", () => {
    const controller = new AbortController();
    const told: number[] = [];
    const removers = Array.from({ length: 100 }, (_, index) =>
      onAbort(controller.signal, () => told.push(index)),
    );
    assert.equal(listeners(controller.signal), 1);
    controller.abort();
    assert.deepEqual(
      told,
      removers.map((_, index) => index),
    );
    for (const remove of removers) remove();
    assert.equal(listeners(controller.signal), 0);
  });

  test("are not called once they are removed", () => {
    const controller = new AbortController();
    const told: string[] = [];
    const remove = onAbort(controller.signal, () => told.push("one"));
    onAbort(controller.signal, () => told.push("other"));
    remove();
    remove();
    controller.abort();
    assert.deepEqual(told, ["other"]);
  });

  test("may go while others are called", () => {
    const controller = new AbortController();
    const told: string[] = [];
    const removeOne = onAbort(controller.signal, () => {
      told.push("one");
      removeOne();
    });
    const removeOther = onAbort(controller.signal, () => {
      told.push("other");
      removeOther();
    });
    controller.abort();
    assert.deepEqual(told, ["one", "other"]);
    assert.equal(listeners(controller.signal), 0);
  });

  test("leave nothing at the signal, and may come again", () => {
    const controller = new AbortController();
    onAbort(controller.signal, () => {})();
    assert.equal(listeners(controller.signal), 0);
    let told = 0;
    onAbort(controller.signal, () => told++);
    assert.equal(listeners(controller.signal), 1);
    controller.abort();
    assert.equal(told, 1);
  });
});
