import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Message } from "sealpipe";
import { Inbox } from "#dist/endpoint/reading/inbox.js";
import { MessageIterator } from "#dist/endpoint/reading/message-iterator.js";
import { isSettled } from "../../support/waiting.ts";

const done = { done: true, value: undefined };
const nobody = { present: false, emit: () => {} };
const source = { session: undefined, queued: () => {}, taken: () => {}, passed: () => {}, dropped: () => {} };

function setUp() {
  const inbox = new Inbox<Message>(nobody);
  const deliver = (type: number): void => inbox.deliver(new Message(type, new Uint8Array(0)), source, 0);
  return { inbox, deliver, iterator: new MessageIterator(inbox) };
}

describe("an iterator over messages", () => {
  test("that is left while it waits has ended, and the message is the next reader's", async () => {
    const { inbox, deliver, iterator } = setUp();
    const waiting = [iterator.next(), iterator.next()];
    assert.deepEqual(await iterator.return(), done);
    assert.deepEqual(await Promise.all(waiting), [done, done]);
    const reading = inbox.read();
    deliver(1);
    assert.equal((await reading).type, 1);
  });

  test("that was left takes no more, and others do", async () => {
    const { inbox, deliver, iterator } = setUp();
    await iterator.return();
    deliver(1);
    assert.deepEqual(await iterator.next(), done);
    assert.equal((await new MessageIterator(inbox).next()).value?.type, 1);
  });

  test("that is left frees nobody else's wait", async () => {
    const { inbox, deliver, iterator } = setUp();
    const other = new MessageIterator(inbox).next();
    const waiting = iterator.next();
    await iterator.return();
    assert.deepEqual(await waiting, done);
    assert.equal(await isSettled(other), false);
    deliver(1);
    assert.equal((await other).value?.type, 1);
  });

  test("gives messages in the order of the calls, those that wait and those that come", async () => {
    const { deliver, iterator } = setUp();
    deliver(1);
    const waiting = [iterator.next(), iterator.next(), iterator.next()];
    deliver(2);
    deliver(3);
    const types = (await Promise.all(waiting)).map(({ value }) => value?.type);
    assert.deepEqual(types, [1, 2, 3]);
  });

  test("can be looped over itself, and is left by `await using`", async () => {
    const { deliver, iterator } = setUp();
    deliver(1);
    for await (const { type } of iterator) {
      assert.equal(type, 1);
      break;
    }
    assert.deepEqual(await iterator.next(), done);

    const { iterator: other } = setUp();
    let waiting: Promise<unknown>;
    {
      await using used = other;
      waiting = used.next();
    }
    assert.deepEqual(await waiting, done);
  });
});
