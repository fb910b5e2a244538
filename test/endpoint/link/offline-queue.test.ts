import assert from "node:assert/strict";
import { test } from "node:test";
import { OfflineQueue } from "#dist/endpoint/link/offline-queue.js";
import { hex, pattern } from "../../support/bytes.ts";
import { thrownCode } from "../../support/engine-probe.ts";
import { nativeFrame, weightOf } from "../../support/native-frames.ts";

const messageWeight = weightOf(nativeFrame("message", [5], hex("01")));
const requestWeight = weightOf(nativeFrame("request", [1, 5], hex("01")));

test("what waits for a session weighs as much as in one, and comes out as it went in", () => {
  const queue = new OfflineQueue(100);
  const data = hex("01");
  queue.send(5, data);
  assert.equal(queue.request(6, data), 1);
  assert.equal(queue.request(7, data), 2);
  data[0] = 9;
  assert.equal(queue.queuedBytes, messageWeight + 2 * requestWeight);
  assert.equal(queue.queuedMessageBytes, messageWeight);
  assert.equal(queue.queuedRequestBytes, 2 * requestWeight);
  assert.deepEqual(queue.abandon(), {
    unacknowledged: [],
    unsent: [{ type: 5, data: hex("01") }],
    unsentRequests: [
      { id: 1, type: 6, data: hex("01"), context: undefined },
      { id: 2, type: 7, data: hex("01"), context: undefined },
    ],
  });
});

test("a request that is cancelled while it waits is not asked, and what was never asked is no fault", () => {
  const queue = new OfflineQueue(100);
  queue.request(5, hex("01"));
  queue.cancel(1);
  queue.cancel(1);
  queue.cancel(7);
  assert.equal(queue.queuedBytes, 0);
  assert.deepEqual(queue.abandon().unsentRequests, []);
});

test("what no session could send is refused", () => {
  const queue = new OfflineQueue(100);
  for (const ask of [
    (type: number, data: Uint8Array) => queue.send(type, data),
    (type: number, data: Uint8Array) => queue.request(type, data),
  ]) {
    assert.equal(
      thrownCode(() => ask(0, hex(""))),
      "ERR_RESERVED_TYPE",
    );
    assert.equal(
      thrownCode(() => ask(5, pattern(101))),
      "ERR_MESSAGE_TOO_LARGE",
    );
  }
  assert.equal(queue.queuedBytes, 0);
});

test("what is answered or consumed without a session is nobody's", () => {
  const queue = new OfflineQueue(100);
  queue.answer();
  queue.fail();
  queue.consumed();
  queue.askForAcknowledgement();
  assert.equal(queue.queuedBytes, 0);
});

test("what waits for a session has no stream", () => {
  assert.equal(
    thrownCode(() => new OfflineQueue(100).streams),
    "ERR_NOT_CONNECTED",
  );
});
