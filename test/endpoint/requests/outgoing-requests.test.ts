import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, test } from "node:test";
import { toBytes } from "#dist/endpoint/messages/message.js";
import { closedError } from "#dist/endpoint/reading/inbox.js";
import { OutgoingRequests } from "#dist/endpoint/requests/outgoing-requests.js";
import type { Answer } from "#dist/endpoint/requests/request.js";
import { sessionLost } from "#dist/endpoint/requests/request-errors.js";
import { CallerError, PeerError, RemoteError } from "#dist/errors.js";
import { RecordingWire } from "../../support/request-wires.ts";
import { isSettled, turns } from "../../support/waiting.ts";

function pendingOn(wire = new RecordingWire()): { wire: RecordingWire; pending: OutgoingRequests } {
  return { wire, pending: new OutgoingRequests(wire) };
}

/** What keeps the process alive, of the kinds that a request could leave behind. */
function timers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
}

describe("a request", () => {
  test("is sent with the next id, and resolves with the answer of that id", async () => {
    const { wire, pending } = pendingOn();
    const [first, second] = [pending.request(5, "one"), pending.request(6, Uint8Array.of(0x32))];
    assert.deepEqual(wire.sent, ["request 1 5 one", "request 2 6 2"]);
    pending.answered({ id: 2, data: toBytes("two") });
    pending.answered({ id: 1, data: toBytes("") });
    assert.equal((await second).text, "two");
    assert.equal((await first).data.length, 0);
    assert.equal(pending.count, 0);
    assert.deepEqual(wire.sent.length, 2);
  });

  test("rejects with the failure's code and message", async () => {
    const { pending } = pendingOn();
    const request = pending.request(5, "one");
    pending.failed({ id: 1, code: "MY_CODE", message: "not today" });
    await assert.rejects(request, (error) => {
      assert.ok(error instanceof RemoteError);
      assert.equal(error.code, "MY_CODE");
      assert.equal(error.message, "not today");
      return true;
    });
  });

  test("is not settled by what belongs to no request", async () => {
    const { pending } = pendingOn();
    const request = pending.request(5, "one");
    pending.answered({ id: 2, data: toBytes("two") });
    pending.failed({ id: 0, code: "MY_CODE", message: "" });
    assert.equal(await isSettled(request), false);
    pending.answered({ id: 1, data: toBytes("one") });
    pending.answered({ id: 1, data: toBytes("again") });
    assert.equal((await request).text, "one");
  });

  test("that is not answered in time rejects, and is cancelled at the peer", async () => {
    const { wire, pending } = pendingOn();
    const { signal } = new AbortController();
    await assert.rejects(pending.request(5, "one", { timeoutMs: 1, signal }), {
      code: "ERR_REQUEST_TIMEOUT",
      fault: "peer",
      message: "the request was not answered within 1 ms",
    });
    assert.deepEqual(wire.sent, ["request 1 5 one", "cancel 1"]);
    assert.equal(getEventListeners(signal, "abort").length, 0);
    pending.answered({ id: 1, data: toBytes("late") });
    assert.equal(pending.count, 0);
  });

  test("takes an answer that came while our own event loop was late", async () => {
    const { wire, pending } = pendingOn();
    const request = pending.request(5, "one", { timeoutMs: 1 });
    const start = performance.now();
    while (performance.now() - start < 5);
    // Immediates run after the timers that are over, as the reading of sockets does.
    setImmediate(() => pending.answered({ id: 1, data: toBytes("in time") }));
    assert.equal((await request).text, "in time");
    await turns();
    assert.deepEqual(wire.sent, ["request 1 5 one"]);
  });

  test("rejects with the signal's reason when it aborts, and the peer is told", async () => {
    const { wire, pending } = pendingOn();
    const controller = new AbortController();
    const request = pending.request(5, "one", { signal: controller.signal });
    const reason = new Error("never mind");
    controller.abort(reason);
    await assert.rejects(request, reason);
    assert.deepEqual(wire.sent, ["request 1 5 one", "cancel 1"]);
  });

  test("is not sent if the signal has aborted before", async () => {
    const { wire, pending } = pendingOn();
    const reason = new Error("never mind");
    await assert.rejects(pending.request(5, "one", { signal: AbortSignal.abort(reason) }), reason);
    assert.deepEqual(wire.sent, []);
  });

  for (const { what, settle } of [
    { what: "an answer", settle: (pending) => pending.answered({ id: 1, data: toBytes("") }) },
    { what: "a failure", settle: (pending) => pending.failed({ id: 1, code: "E", message: "" }) },
    { what: "the loss of the session", settle: (pending) => pending.lost(sessionLost()) },
    { what: "the end", settle: (pending) => pending.end(closedError()) },
    { what: "an abort", settle: (_, controller) => controller.abort() },
  ] satisfies { what: string; settle(pending: OutgoingRequests, controller: AbortController): void }[]) {
    test(`leaves no timer and no listener behind after ${what}`, async () => {
      const { pending } = pendingOn();
      const controller = new AbortController();
      const before = timers();
      const request = pending.request(5, "one", { timeoutMs: 600_000, signal: controller.signal });
      assert.equal(timers(), before + 1);
      assert.equal(getEventListeners(controller.signal, "abort").length, 1);
      settle(pending, controller);
      await request.catch(() => {});
      assert.equal(timers(), before);
      assert.equal(getEventListeners(controller.signal, "abort").length, 0);
    });
  }

  test("shares its signal with as many others as there are", async () => {
    const { pending } = pendingOn();
    const controller = new AbortController();
    const requests = Array.from({ length: 100 }, () => pending.request(5, "", { signal: controller.signal }));
    assert.equal(getEventListeners(controller.signal, "abort").length, 1);
    controller.abort();
    for (const request of requests) await assert.rejects(request, { name: "AbortError" });
  });

  test("has no timer unless one is asked for", async () => {
    const { pending } = pendingOn();
    const before = timers();
    const request = pending.request(5, "one");
    assert.equal(timers(), before);
    pending.end(closedError());
    await assert.rejects(request);
  });
});

describe("a request that cannot be sent rejects at once", () => {
  for (const { why, error } of [
    { why: "to a peer of golang-ipc's wire", error: new PeerError("ERR_PEER_NOT_NATIVE", "golang-ipc") },
    { why: "where it is too large", error: new CallerError("ERR_MESSAGE_TOO_LARGE", "too large") },
    { why: "without a connection", error: new PeerError("ERR_NOT_CONNECTED", "not connected") },
    { why: "where too much waits", error: new PeerError("ERR_QUEUE_FULL", "full") },
  ]) {
    test(`${why}, with ${error.code}`, async () => {
      const { wire, pending } = pendingOn();
      wire.refusals.push(error);
      await assert.rejects(pending.request(5, "one", { timeoutMs: 600_000 }), error);
      assert.equal(pending.count, 0);
      assert.deepEqual(wire.sent, []);
    });
  }

  test("if its data is no data, with ERR_INVALID_ARGUMENT", async () => {
    const { wire, pending } = pendingOn();
    await assert.rejects(pending.request(5, { a: 1 } as never), { code: "ERR_INVALID_ARGUMENT" });
    assert.deepEqual(wire.sent, []);
  });

  test("if an option is wrong, with ERR_INVALID_OPTION", async () => {
    const { wire, pending } = pendingOn();
    await assert.rejects(pending.request(5, "", { timeoutMs: -1 }), { code: "ERR_INVALID_OPTION" });
    assert.deepEqual(wire.sent, []);
  });

  test("after the end, with what ended it first", async () => {
    const { wire, pending } = pendingOn();
    const error = closedError();
    pending.end(error);
    pending.end(new Error("later"));
    await assert.rejects(pending.request(5, ""), error);
    assert.deepEqual(wire.sent, []);
  });
});

describe("if the session is lost", () => {
  test("the requests that may have arrived reject, and the others wait on", async () => {
    const { wire, pending } = pendingOn();
    const controller = new AbortController();
    const { signal } = controller;
    const texts = ["sent", "not sent", "not sent, and given up", "too large for the next peer"];
    const requests = texts.map((text) => pending.request(5, text, { signal }));
    const [sent, later, givenUp, tooLarge] = requests as [Promise<Answer>, ...Promise<Answer>[]];
    const error = new PeerError("ERR_TOO_LARGE_FOR_PEER", "too large");
    wire.refusals.push(undefined, undefined, error);
    pending.lost(
      sessionLost(),
      [2, 3, 4, 5].map((id) => ({ id, type: 5, data: toBytes(texts[id - 1] ?? "given up before") })),
    );
    assert.deepEqual(wire.sent.slice(4), ["request 5 5 not sent", "request 6 5 not sent, and given up"]);
    await assert.rejects(sent, { code: "ERR_SESSION_LOST", fault: "peer" });
    await assert.rejects(tooLarge as Promise<Answer>, error);
    assert.equal(await isSettled(later as Promise<Answer>), false);
    pending.answered({ id: 5, data: toBytes("later") });
    assert.equal((await later)?.text, "later");
    assert.deepEqual(wire.sent.length, 6, "nobody is told: the peer knows nothing of it");
    controller.abort();
    await assert.rejects(givenUp as Promise<Answer>, { name: "AbortError" });
    assert.equal(wire.sent.at(-1), "cancel 6", "by the id that it has in the next session");
  });

  test("all reject if none is named, and further ones can be made", async () => {
    const { wire, pending } = pendingOn();
    const requests = [pending.request(5, "one"), pending.request(5, "two")];
    pending.lost(sessionLost());
    for (const request of requests) await assert.rejects(request, { code: "ERR_SESSION_LOST" });
    const third = pending.request(5, "three");
    assert.equal(wire.sent.at(-1), "request 3 5 three");
    pending.answered({ id: 3, data: toBytes("") });
    await third;
  });
});
