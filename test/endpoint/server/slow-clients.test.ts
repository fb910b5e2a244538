import "../../support/mocked-timers.ts";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SlowClients } from "#dist/endpoint/server/slow-clients.js";
import { isSettled } from "../../support/waiting.ts";

describe("a wait for a slow client", () => {
  test("is over once it has room, and then it is waited for again", async (t) => {
    t.mock.timers.reset();
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const client = { queuedBytes: 1 };
    const slow = new SlowClients<typeof client>(1_000);
    const { promise, resolve } = controlled();
    const wait = slow.wait(client, promise);
    assert.equal(await isSettled(wait), false);
    resolve();
    await wait;
    t.mock.timers.tick(1_000);
    assert.equal(await isSettled(slow.wait(client, controlled().promise)), false);
  });

  test("is over after its grace, however often it is waited for, and there is none until it has caught up", async (t) => {
    t.mock.timers.reset();
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const client = { queuedBytes: 1 };
    const other = { queuedBytes: 1 };
    const slow = new SlowClients<typeof client>(1_000);
    const { promise, resolve } = controlled();
    const first = slow.wait(client, promise);
    t.mock.timers.tick(999);
    const second = slow.wait(client, promise);
    assert.equal(await isSettled(second), false);
    t.mock.timers.tick(1);
    await Promise.all([first, second]);
    assert.equal(slow.wait(client, promise), undefined);

    // Room is not enough.
    resolve();
    slow.writing(client);
    assert.equal(slow.wait(client, controlled().promise), undefined);
    assert.equal(await isSettled(slow.wait(other, controlled().promise)), false, "nor for another");
    client.queuedBytes = 0;
    slow.writing(client);
    assert.equal(await isSettled(slow.wait(client, controlled().promise)), false);
  });
});

function controlled() {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
