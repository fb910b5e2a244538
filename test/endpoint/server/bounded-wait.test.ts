import "../../support/mocked-timers.ts";
import assert from "node:assert/strict";
import { describe, mock, test } from "node:test";
import { BoundedWait } from "#dist/endpoint/server/bounded-wait.js";
import { isSettled } from "../../support/waiting.ts";

describe("a bounded wait", () => {
  test("is over with what is waited for", async () => {
    const { promise, resolve } = controlled();
    const wait = new BoundedWait(2_147_483_647).wait(promise);
    assert.equal(await isSettled(wait), false);
    resolve();
    await wait;
  });

  test("is over after its time, for whoever waits for the same again too, and for nothing else", async (t) => {
    t.mock.timers.reset();
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const bounded = new BoundedWait(1_000);
    const { promise } = controlled();
    const first = bounded.wait(promise);
    t.mock.timers.tick(999);
    const second = bounded.wait(promise);
    assert.equal(await isSettled(second), false);
    t.mock.timers.tick(1);
    await Promise.all([first, second, bounded.wait(promise)]);
    const other = bounded.wait(controlled().promise);
    t.mock.timers.tick(999);
    assert.equal(await isSettled(other), false);
  });

  test("keeps no timer that keeps the process alive, and none when it is over", async () => {
    const timers = mock.method(globalThis, "setTimeout");
    const cleared = mock.method(globalThis, "clearTimeout");
    try {
      const { promise, resolve } = controlled();
      const wait = new BoundedWait(1_000).wait(promise);
      const timer = timers.mock.calls[0]?.result as NodeJS.Timeout;
      assert.equal(timer.hasRef(), false);
      resolve();
      await wait;
      assert.deepEqual(cleared.mock.calls[0]?.arguments, [timer]);
    } finally {
      timers.mock.restore();
      cleared.mock.restore();
    }
  });
});

function controlled() {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
