import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { toBytes } from "#dist/endpoint/messages/message.js";
import { IncomingRequests } from "#dist/endpoint/requests/incoming-requests.js";
import type { HandlerAnswer, IncomingRequest } from "#dist/endpoint/requests/request.js";
import { CallerError } from "#dist/errors.js";
import { handling, RecordingWire, type RequestsOptions } from "../../support/request-wires.ts";
import { turns } from "../../support/waiting.ts";

class Handled {
  readonly wire = new RecordingWire();
  readonly handled: IncomingRequests<IncomingRequest>;

  constructor(options: RequestsOptions) {
    this.handled = new IncomingRequests(this.wire, handling(options));
  }

  /** The position is ten times the id. */
  receive(id: number, type = 5, text = ""): void {
    this.handled.received({ id, type, data: toBytes(text), position: id * 10 });
  }
}

/** A handler that waits for the test, and the requests that it was started with. */
class Held {
  readonly started: IncomingRequest[] = [];
  readonly answers: { resolve(answer: HandlerAnswer): void; reject(error: unknown): void }[] = [];
  readonly handler = (request: IncomingRequest): Promise<HandlerAnswer> => {
    this.started.push(request);
    return new Promise((resolve, reject) => this.answers.push({ resolve, reject }));
  };

  get texts(): string[] {
    return this.started.map(({ text }) => text);
  }
}

describe("a peer's request", () => {
  test("is answered with what its handler returns, at once", () => {
    const { wire, handled } = new Handled({ handlers: { 5: ({ text }) => text.toUpperCase() } });
    handled.received({ id: 7, type: 5, data: toBytes("hello"), position: 70 });
    assert.deepEqual(wire.sent, ["answer 7 HELLO"]);
    assert.deepEqual(wire.positions, [70]);
    assert.equal(handled.running, 0);
  });

  for (const { what, answer, sent } of [
    { what: "text", answer: "grün", sent: "answer 1 grün" },
    { what: "bytes", answer: Buffer.from("b"), sent: "answer 1 b" },
    { what: "nothing", answer: undefined, sent: "answer 1" },
    { what: "empty text", answer: "", sent: "answer 1" },
  ]) {
    test(`can be answered with ${what}, now or later`, async () => {
      const now = new Handled({ handlers: { 5: () => answer } });
      now.receive(1);
      assert.deepEqual(now.wire.sent, [sent]);
      const later = new Handled({ handlers: { 5: async () => answer } });
      later.receive(1);
      assert.deepEqual(later.wire.sent, []);
      await turns();
      assert.deepEqual(later.wire.sent, [sent]);
    });
  }

  test("can be answered with nothing by a function that has no return", async () => {
    const { wire, handled } = new Handled({ handlers: { 5: () => {}, 6: async () => {} } });
    handled.received({ id: 1, type: 5, data: toBytes(""), position: 1 });
    handled.received({ id: 2, type: 6, data: toBytes(""), position: 2 });
    await turns();
    assert.deepEqual(wire.sent, ["answer 1", "answer 2"]);
  });

  test("can be answered by any thenable", async () => {
    // biome-ignore lint/suspicious/noThenProperty: that is what the test is about
    const thenable = { then: (resolve: (answer: string) => void) => resolve("yes") };
    const { wire, handled } = new Handled({ handlers: { 5: () => thenable as never } });
    handled.received({ id: 1, type: 5, data: toBytes(""), position: 1 });
    await turns();
    assert.deepEqual(wire.sent, ["answer 1 yes"]);
  });

  for (const answer of [null, 5, true, {}, [1], new ArrayBuffer(1)]) {
    test(`fails if its handler returns ${inspect(answer)}`, async () => {
      const failure =
        "failure 1 ERR_HANDLER_FAILED the handler did not return an answer: data must be a string or a Uint8Array";
      const now = new Handled({ handlers: { 5: () => answer as never } });
      now.receive(1);
      assert.deepEqual(now.wire.sent, [failure]);
      const later = new Handled({ handlers: { 5: async () => answer as never } });
      later.receive(1);
      await turns();
      assert.deepEqual(later.wire.sent, [failure]);
    });
  }

  test("fails with what its handler throws or rejects with", async () => {
    const thrown = Object.assign(new Error("the disk is full"), { code: "DISK_FULL" });
    const { wire, handled } = new Handled({
      handlers: {
        5: () => {
          throw thrown;
        },
        6: () => Promise.reject(thrown),
      },
    });
    handled.received({ id: 1, type: 5, data: toBytes(""), position: 1 });
    assert.deepEqual(wire.sent, ["failure 1 DISK_FULL the disk is full"]);
    handled.received({ id: 2, type: 6, data: toBytes(""), position: 2 });
    await turns();
    assert.deepEqual(wire.sent.slice(1), ["failure 2 DISK_FULL the disk is full"]);
    assert.equal(handled.running, 0);
  });

  test("fails if nobody handles its type", () => {
    const peer = new Handled({});
    peer.receive(1, 9);
    assert.deepEqual(peer.wire.sent, ["failure 1 ERR_NO_HANDLER nobody handles requests of type 9"]);
    assert.deepEqual(peer.wire.positions, [10]);
  });

  test("fails if the answer is too large to send", () => {
    const peer = new Handled({ handlers: { 5: () => "large" } });
    peer.wire.refusals.push(new CallerError("ERR_MESSAGE_TOO_LARGE", "a message of 5 bytes"));
    peer.receive(1);
    assert.deepEqual(peer.wire.sent, ["failure 1 ERR_MESSAGE_TOO_LARGE a message of 5 bytes"]);
  });

  test("says where its handler threw only if that is asked for", () => {
    const handlers = {
      5: () => {
        throw new Error("no");
      },
    };
    const silent = new Handled({ handlers });
    silent.receive(1);
    assert.deepEqual(silent.wire.sent, ["failure 1 ERR_HANDLER_FAILED no"]);
    const open = new Handled({ handlers, exposeStacks: true });
    open.receive(1);
    assert.match(open.wire.sent[0] as string, /^failure 1 ERR_HANDLER_FAILED no\n {4}at /);
  });
});

describe("with two handlers at a time", () => {
  test("further requests wait, and start in order as handlers settle", async () => {
    const held = new Held();
    const peer = new Handled({ handlers: { 5: held.handler }, maxConcurrentRequests: 2 });
    for (const id of [1, 2, 3, 4, 5]) peer.receive(id, 5, `r${id}`);
    assert.deepEqual(held.texts, ["r1", "r2"]);
    assert.deepEqual(peer.wire.positions, [10, 20], "what waits is not taken");
    assert.equal(peer.handled.waiting, 3);
    held.answers[1]?.resolve("");
    await turns();
    assert.deepEqual(held.texts, ["r1", "r2", "r3"]);
    held.answers[0]?.reject(new Error("no"));
    held.answers[2]?.resolve("");
    await turns();
    assert.deepEqual(held.texts, ["r1", "r2", "r3", "r4", "r5"]);
    assert.deepEqual(peer.wire.positions, [10, 20, 30, 40, 50]);
    assert.equal(peer.handled.running, 2);
  });

  test("one that nobody handles waits for its turn, and takes no place", () => {
    const held = new Held();
    const peer = new Handled({ handlers: { 5: held.handler }, maxConcurrentRequests: 2 });
    for (const id of [1, 2]) peer.receive(id);
    peer.receive(3, 9);
    assert.deepEqual(peer.wire.sent, []);
    peer.handled.cancelled({ id: 1 });
    assert.deepEqual(peer.wire.sent, [], "the handler of a cancelled request has its place until it settles");
  });

  test("100,000 that are answered at once do not grow the stack", async () => {
    const held = new Held();
    const peer = new Handled({ handlers: { 5: held.handler, 6: () => "" }, maxConcurrentRequests: 1 });
    peer.receive(1);
    for (let id = 2; id <= 100_001; id++) peer.receive(id, 6);
    assert.equal(peer.handled.waiting, 100_000);
    held.answers[0]?.resolve("");
    await turns();
    assert.equal(peer.wire.sent.length, 100_001);
    assert.equal(peer.wire.sent.at(-1), "answer 100001");
    assert.equal(peer.handled.waiting, 0);
  });
});

describe("if answers wait to be sent", () => {
  test("no handler is started until there is room again", () => {
    const peer = new Handled({ handlers: { 5: () => "" } });
    peer.wire.congested = true;
    peer.receive(1);
    peer.receive(2, 9);
    assert.deepEqual(peer.wire.sent, []);
    assert.deepEqual(peer.wire.positions, []);
    peer.wire.congested = false;
    peer.handled.startWaiting();
    assert.deepEqual(peer.wire.sent, [
      "answer 1",
      "failure 2 ERR_NO_HANDLER nobody handles requests of type 9",
    ]);
  });
});

describe("a cancelled request", () => {
  test("aborts its handler's signal, and nothing is sent of what that gives", async () => {
    const held = new Held();
    const peer = new Handled({ handlers: { 5: held.handler } });
    peer.receive(1);
    peer.receive(2);
    const signals = held.started.map(({ signal }) => signal);
    peer.handled.cancelled({ id: 1 });
    peer.handled.cancelled({ id: 2 });
    assert.deepEqual(
      signals.map(({ reason }) => reason.name),
      ["AbortError", "AbortError"],
    );
    held.answers[0]?.resolve("late");
    held.answers[1]?.reject(new Error("late"));
    await turns();
    assert.deepEqual(peer.wire.sent, []);
    assert.equal(peer.handled.running, 0);
  });

  test("keeps its place among the handlers until its handler settles", async () => {
    const held = new Held();
    const peer = new Handled({ handlers: { 5: held.handler }, maxConcurrentRequests: 1 });
    peer.receive(1, 5, "deaf");
    peer.handled.cancelled({ id: 1 });
    peer.receive(1, 5, "next");
    assert.deepEqual(held.texts, ["deaf"], "the id is free, the place is not");
    held.answers[0]?.resolve("of the cancelled one");
    await turns();
    assert.deepEqual(held.texts, ["deaf", "next"]);
    assert.deepEqual(peer.wire.sent, []);
    held.answers[1]?.resolve("of the next");
    await turns();
    assert.deepEqual(peer.wire.sent, ["answer 1 of the next"]);
  });

  test("that waits is dropped without being handled, and consumed in its turn", async () => {
    const held = new Held();
    const peer = new Handled({ handlers: { 5: held.handler }, maxConcurrentRequests: 1 });
    for (const id of [1, 2, 3, 4]) peer.receive(id, 5, `r${id}`);
    peer.handled.cancelled({ id: 3 });
    assert.deepEqual(peer.wire.positions, [10], "what came before it is not taken yet");
    peer.handled.cancelled({ id: 2 });
    assert.deepEqual(peer.wire.positions, [10, 20, 30]);
    peer.handled.cancelled({ id: 4 });
    assert.deepEqual(peer.wire.positions, [10, 20, 30, 40]);
    held.answers[0]?.resolve("");
    await turns();
    assert.deepEqual(held.texts, ["r1"]);
    assert.deepEqual(peer.wire.sent, ["answer 1"]);
    assert.equal(peer.handled.waiting, 0);
  });

  test("that has been answered is no fault", () => {
    const peer = new Handled({ handlers: { 5: () => "" } });
    peer.receive(1);
    peer.handled.cancelled({ id: 1 });
    assert.deepEqual(peer.wire.sent, ["answer 1"]);
  });
});

describe("if it is over", () => {
  for (const how of ["lost", "end"] as const) {
    test(`handlers at work are aborted, and what waits is dropped untaken (${how})`, async () => {
      const held = new Held();
      const peer = new Handled({ handlers: { 5: held.handler }, maxConcurrentRequests: 2 });
      for (const id of [1, 2, 3]) peer.receive(id);
      const { signal } = held.started[0] as IncomingRequest;
      const error = new Error("over");
      peer.handled[how](error);
      assert.equal(signal.reason, error);
      assert.equal(held.started[1]?.signal.reason, error);
      for (const { resolve } of held.answers) resolve("late");
      await turns();
      assert.equal(held.started.length, 2);
      assert.deepEqual(peer.wire.sent, []);
      assert.deepEqual(peer.wire.positions, [10, 20]);
      assert.equal(peer.handled.running, 0);
      assert.equal(peer.handled.waiting, 0);
    });
  }

  test("requests of the next session are handled, with ids from 1 again", async () => {
    const held = new Held();
    const peer = new Handled({ handlers: { 5: held.handler } });
    peer.receive(1, 5, "of the lost session");
    peer.handled.lost(new Error("lost"));
    peer.receive(1, 5, "of the next");
    held.answers[0]?.resolve("late");
    held.answers[1]?.resolve("in time");
    await turns();
    assert.deepEqual(peer.wire.sent, ["answer 1 in time"]);
  });

  test("what still comes after the end is dropped", () => {
    const peer = new Handled({ handlers: { 5: () => "" } });
    peer.handled.end(new Error("over"));
    peer.receive(1);
    peer.handled.cancelled({ id: 1 });
    assert.deepEqual(peer.wire.sent, []);
    assert.deepEqual(peer.wire.positions, []);
  });

  test("a handler may end it while it runs", () => {
    const peer: Handled = new Handled({
      handlers: {
        5: () => {
          peer.handled.end(new Error("over"));
          return "too late";
        },
      },
    });
    peer.wire.congested = true;
    peer.receive(1);
    peer.receive(2);
    peer.wire.congested = false;
    peer.handled.startWaiting();
    assert.deepEqual(peer.wire.sent, []);
    assert.deepEqual(peer.wire.positions, [10]);
  });
});
