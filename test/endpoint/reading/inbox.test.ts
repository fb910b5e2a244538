import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Message } from "sealpipe";
import {
  closedError,
  Inbox,
  type MessageListeners,
  type MessageSource,
} from "#dist/endpoint/reading/inbox.js";
import { MessageIterator } from "#dist/endpoint/reading/message-iterator.js";
import { isSettled } from "../../support/waiting.ts";

/** Counts what waits, as a connection does; may send more when there is room. */
class Source implements MessageSource {
  readonly session = undefined;
  waiting = 0;
  /** Of all that was taken, in that order. */
  readonly positions: number[] = [];
  /** Called when a message was taken, as a connection goes on reading then. */
  goOn: () => void = () => {};

  queued(): void {
    this.waiting += 1;
  }

  taken(_message: Message, _session: undefined, position: number): void {
    this.waiting -= 1;
    this.positions.push(position);
    this.goOn();
  }

  passed(_session: undefined, position: number): void {
    this.positions.push(position);
  }

  dropped(): void {
    this.waiting -= 1;
  }
}

/** Listeners for `message` that can be switched on and off. */
class Listeners implements MessageListeners<Message> {
  present = false;
  readonly types: number[] = [];

  emit(message: Message): void {
    this.types.push(message.type);
  }
}

function setUp() {
  const listeners = new Listeners();
  const inbox = new Inbox<Message>(listeners);
  const source = new Source();
  const deliver = (...types: number[]): void => {
    for (const type of types) inbox.deliver(new Message(type, new Uint8Array(0)), source, type);
  };
  const read = async (...options: Parameters<typeof inbox.read>): Promise<number> =>
    (await inbox.read(...options)).type;
  return { listeners, inbox, source, deliver, read };
}

const failure = new Error("the connection broke");

describe("reading from an inbox", () => {
  test("gives what waits, in order", async () => {
    const { deliver, read, source } = setUp();
    deliver(1, 2, 3);
    assert.equal(source.waiting, 3);
    assert.deepEqual([await read(), await read(), await read()], [1, 2, 3]);
    assert.equal(source.waiting, 0);
  });

  test("waits for what is to come, the longest wait first", async () => {
    const { deliver, read, source } = setUp();
    const reads = [read(), read(), read()];
    deliver(1, 2, 3, 4);
    assert.deepEqual(await Promise.all(reads), [1, 2, 3]);
    assert.equal(source.waiting, 1);
    assert.equal(await read(), 4);
  });

  test("keeps the order over many messages, read now and then", async () => {
    const { deliver, read, source } = setUp();
    const got: number[] = [];
    let sent = 0;
    for (let round = 0; round < 40; round++) {
      for (let count = 0; count < 100; count++) deliver(++sent);
      for (let count = 0; count < 70; count++) got.push(await read());
    }
    assert.equal(source.waiting, 40 * 30);
    while (source.waiting > 0) got.push(await read());
    assert.deepEqual(
      got,
      Array.from({ length: sent }, (_, index) => index + 1),
    );
  });

  test("gives each message once and in order, however reads and messages come", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 60 }), async (steps) => {
        const { deliver, read } = setUp();
        const reads: Promise<number>[] = [];
        let sent = 0;
        for (const isMessage of steps) {
          if (isMessage) deliver(++sent);
          else reads.push(read());
        }
        while (reads.length < sent) reads.push(read());
        const got = await Promise.all(reads.slice(0, sent));
        assert.deepEqual(
          got,
          Array.from({ length: sent }, (_, index) => index + 1),
        );
      }),
    );
  });

  test("gives up after timeoutMs, and loses no message by it", async () => {
    const { deliver, read } = setUp();
    await assert.rejects(read({ timeoutMs: 1 }), {
      code: "ERR_READ_TIMEOUT",
      message: "no message arrived within 1 ms",
    });
    const later = read({ timeoutMs: 60_000 });
    deliver(1);
    assert.equal(await later, 1);
  });

  test("gives up with the signal's reason, and loses no message by it", async () => {
    const { deliver, read } = setUp();
    const controller = new AbortController();
    const given = read({ signal: controller.signal });
    const next = read();
    controller.abort(failure);
    deliver(1);
    await assert.rejects(given, failure);
    assert.equal(await next, 1);
  });

  test("takes nothing if the signal was aborted before", async () => {
    const { deliver, read, source } = setUp();
    deliver(1);
    await assert.rejects(read({ signal: AbortSignal.abort(failure) }), failure);
    assert.equal(source.waiting, 1);
    assert.equal(await read(), 1);
  });

  test("does not mind a signal that is aborted after it, and leaves no listener at it", async () => {
    const { deliver, read, inbox } = setUp();
    const controller = new AbortController();
    const { signal } = controller;
    const given = read({ signal });
    assert.equal(getEventListeners(signal, "abort").length, 1);
    deliver(1);
    assert.equal(getEventListeners(signal, "abort").length, 0);
    controller.abort(failure);
    assert.equal(await given, 1);

    const other = new AbortController();
    const ended = read({ signal: other.signal });
    inbox.end(undefined, "keep");
    await assert.rejects(ended, { code: "ERR_CLOSED" });
    assert.equal(getEventListeners(other.signal, "abort").length, 0);
  });

  test("throws if an option is wrong", () => {
    const { inbox } = setUp();
    assert.throws(() => inbox.read({ timeoutMs: -1 }), { code: "ERR_INVALID_OPTION" });
  });
});

describe("the listeners of an inbox", () => {
  test("get messages as they come, and nothing waits", () => {
    const { deliver, listeners, source } = setUp();
    listeners.present = true;
    deliver(1, 2);
    assert.deepEqual(listeners.types, [1, 2]);
    assert.equal(source.waiting, 0);
  });

  test("get what waited first, once they are given it", () => {
    const { deliver, listeners, inbox, source } = setUp();
    deliver(1, 2);
    listeners.present = true;
    deliver(3);
    assert.deepEqual(listeners.types, []);
    inbox.drain();
    deliver(4);
    assert.deepEqual(listeners.types, [1, 2, 3, 4]);
    assert.equal(source.waiting, 0);
  });

  test("get nothing that a read waits for", async () => {
    const { deliver, listeners, read } = setUp();
    listeners.present = true;
    const waiting = read();
    deliver(1, 2);
    assert.equal(await waiting, 1);
    assert.deepEqual(listeners.types, [2]);
  });

  test("get no more once they are gone, in the middle of what waits too", async () => {
    const { deliver, listeners, inbox, read } = setUp();
    deliver(1, 2);
    listeners.present = true;
    const { emit } = listeners;
    listeners.emit = (message) => {
      emit.call(listeners, message);
      listeners.present = false;
    };
    inbox.drain();
    assert.deepEqual(listeners.types, [1]);
    assert.equal(await read(), 2);
  });

  test("get a message before those that come because it was consumed", () => {
    const { deliver, listeners, inbox, source } = setUp();
    deliver(1);
    listeners.present = true;
    source.goOn = () => deliver(2, 3);
    inbox.drain();
    assert.deepEqual(listeners.types, [1, 2, 3]);
    assert.equal(source.waiting, 0);
  });
});

describe("the end of an inbox", () => {
  test("lets what waits be read first, then says that it is closed", async () => {
    const { deliver, inbox, read } = setUp();
    deliver(1, 2);
    inbox.end(undefined, "keep");
    assert.equal(await read(), 1);
    assert.equal(await read(), 2);
    await assert.rejects(read(), { code: "ERR_CLOSED" });
    await assert.rejects(read(), { code: "ERR_CLOSED" });
  });

  test("lets what waits be read first, then says what it failed for", async () => {
    const { deliver, inbox, read } = setUp();
    deliver(1);
    inbox.end(failure, "keep");
    assert.equal(await read(), 1);
    await assert.rejects(read(), failure);
    await assert.rejects(read(), failure);
  });

  test("rejects all reads that wait", async () => {
    for (const [error, expected] of [
      [undefined, { code: "ERR_CLOSED" }],
      [failure, failure],
    ] as const) {
      const { inbox, read } = setUp();
      const reads = [read(), read({ timeoutMs: 60_000 })];
      inbox.end(error, "keep");
      for (const each of reads) await assert.rejects(each, expected);
    }
  });

  test("drops what waits if that is asked for", async () => {
    const { deliver, inbox, read, source } = setUp();
    deliver(1, 2, 3);
    await read();
    inbox.end(undefined, "drop");
    assert.equal(source.waiting, 0);
    await assert.rejects(read(), { code: "ERR_CLOSED" });
  });

  test("drops also what comes because others were dropped", async () => {
    const { deliver, inbox, read, source, listeners } = setUp();
    deliver(1, 2);
    let next = 3;
    source.goOn = () => {
      if (next <= 4) deliver(next++);
    };
    listeners.present = true;
    inbox.end(undefined, "drop");
    deliver(9);
    assert.deepEqual(listeners.types, []);
    assert.equal(source.waiting, 0);
    await assert.rejects(read(), { code: "ERR_CLOSED" });
  });

  test("is the first that came; a later one can still drop what waits", async () => {
    const { deliver, inbox, read, source } = setUp();
    deliver(1);
    inbox.end(failure, "keep");
    inbox.end(undefined, "drop");
    assert.equal(source.waiting, 0);
    await assert.rejects(read(), failure);
  });

  test("ends iteration in order, or throws what it failed for", async () => {
    const { deliver, inbox } = setUp();
    deliver(1);
    inbox.end(undefined, "keep");
    const iterator = new MessageIterator(inbox);
    const first = await iterator.next();
    assert.equal(first.done, false);
    assert.equal(first.value?.type, 1);
    assert.deepEqual(await iterator.next(), { done: true, value: undefined });

    const failed = setUp();
    const waiting = new MessageIterator(failed.inbox).next();
    failed.inbox.end(failure, "keep");
    await assert.rejects(waiting, failure);
    await assert.rejects(new MessageIterator(failed.inbox).next(), failure);
  });

  test("ends iteration that waits", async () => {
    const { inbox } = setUp();
    const waiting = new MessageIterator(inbox).next();
    inbox.end(undefined, "keep");
    assert.deepEqual(await waiting, { done: true, value: undefined });
  });

  test("has an error of the caller's as its reason", () => {
    assert.equal(closedError().fault, "caller");
  });
});

describe("moving what waits to another inbox", () => {
  test("takes one source's messages, and leaves the others in order", async () => {
    const server = setUp();
    const connection = setUp();
    const other = new Source();
    for (const type of [1, 2, 3, 4, 5]) {
      server.inbox.deliver(new Message(type, new Uint8Array(0)), type % 2 ? server.source : other, type);
    }
    assert.equal(await server.read(), 1);
    server.inbox.moveTo(connection.inbox, server.source);
    assert.deepEqual([await connection.read(), await connection.read()], [3, 5]);
    assert.deepEqual([await server.read(), await server.read()], [2, 4]);
    assert.equal(server.source.waiting, 0);
    assert.equal(other.waiting, 0);
  });

  test("keeps those that wait counted at their source", () => {
    const server = setUp();
    const connection = setUp();
    server.deliver(1, 2, 3);
    server.inbox.moveTo(connection.inbox, server.source);
    assert.equal(server.source.waiting, 3);
  });

  test("keeps their order before those that come because one was moved", async () => {
    const server = setUp();
    const connection = setUp();
    server.deliver(1, 2, 3);
    let next = 4;
    server.source.goOn = () => {
      if (next <= 5) connection.inbox.deliver(new Message(next, new Uint8Array(0)), server.source, next++);
    };
    server.inbox.moveTo(connection.inbox, server.source);
    assert.deepEqual(
      [await connection.read(), await connection.read(), await connection.read(), await connection.read()],
      [1, 2, 3, 4],
    );
  });

  test("lets it be read even if the other inbox has ended, unless that drops what comes", async () => {
    for (const unread of ["keep", "drop"] as const) {
      const server = setUp();
      const connection = setUp();
      server.deliver(1);
      connection.inbox.end(failure, unread);
      server.inbox.moveTo(connection.inbox, server.source);
      if (unread === "keep") assert.equal(await connection.read(), 1);
      assert.equal(server.source.waiting, 0);
      await assert.rejects(connection.read(), failure);
    }
  });

  test("does nothing if nothing waits", async () => {
    const server = setUp();
    const connection = setUp();
    server.inbox.moveTo(connection.inbox, server.source);
    assert.equal(await isSettled(connection.read()), false);
  });
});
