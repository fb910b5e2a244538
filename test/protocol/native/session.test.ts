import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { NativeSession } from "#dist/protocol/native/session.js";
import { concat, hex, pattern } from "../../support/bytes.ts";
import { thrownCode } from "../../support/engine-probe.ts";
import { lent } from "../../support/memory.ts";
import { nativeFrame, weightOf } from "../../support/native-frames.ts";

const windows = [65_536, 65_536, 65_536] as const;
const own = { maxMessageBytes: 100_000, windows };
const identity = { id: pattern(16), resumptionKey: pattern(32) };

function attached(peersMaxMessageBytes = 100_000): NativeSession {
  const session = new NativeSession(own);
  session.attach({ maxMessageBytes: peersMaxMessageBytes, windows }, identity);
  return session;
}

/** Lets everything leave that the windows allow. */
function sendAll({ outgoing }: NativeSession): void {
  for (const lane of outgoing.lanes) while (lane.nextBytes > 0) lane.take();
}

/** The peer sends a frame of a lane. */
function receive(session: NativeSession, ...frame: Parameters<typeof nativeFrame>) {
  const bytes = nativeFrame(...frame);
  return session.incoming.receive(lent(bytes), 0, bytes.length);
}

describe("a session", () => {
  test("takes what is to be sent before there is a peer, and holds it", () => {
    const session = new NativeSession(own);
    assert.equal(session.identity, undefined);
    session.send(5, hex("01"));
    sendAll(session);
    const weight = weightOf(nativeFrame("message", [5], hex("01")));
    assert.equal(session.queuedBytes, weight);
    assert.equal(session.outgoing.unsentBytes, weight);
    session.attach(own, identity);
    assert.equal(session.identity, identity);
    sendAll(session);
    assert.equal(session.outgoing.unsentBytes, 0);
  });

  test("keeps to what the peer takes in each lane", () => {
    const session = new NativeSession(own);
    session.attach({ maxMessageBytes: 100_000, windows: [1, 2, 3] }, undefined);
    assert.deepEqual(
      session.outgoing.lanes.map((lane) => lane.window),
      [1, 2, 3],
    );
  });

  test("counts what is settled: what the peer has acknowledged, and what was consumed of the peer's", () => {
    const session = attached();
    session.send(5, pattern(100));
    session.request(5, pattern(10));
    sendAll(session);
    const [messages = assert.fail(), requests = assert.fail()] = session.outgoing.lanes;
    messages.acknowledge(messages.sentPosition);
    const acknowledged = weightOf(nativeFrame("message", [5], pattern(100)));
    assert.equal(session.settledBytes, acknowledged);
    requests.acknowledge(requests.sentPosition);
    const message = nativeFrame("message", [7], pattern(20));
    const event = session.incoming.receive(lent(message), 0, message.length);
    const before = acknowledged + weightOf(nativeFrame("request", [1, 5], pattern(10)));
    assert.equal(session.settledBytes, before, "it has arrived, and nobody has read it");
    assert.ok(event?.kind === "message");
    session.consumed("messages", event.position);
    assert.equal(session.settledBytes, before + weightOf(message));
  });

  test("acknowledges again, on another connection, what was consumed", () => {
    const session = attached();
    const answer = nativeFrame("answer", [1]);
    session.incoming.receive(lent(answer), 0, answer.length);
    session.incoming.acknowledge();
    assert.equal(session.incoming.hasNews, false);
    session.attach(own, identity);
    assert.equal(session.incoming.hasNews, true);
  });

  test("sends nothing that is larger than either end takes, or of a type that there is not", () => {
    const small = attached(10);
    const sends = {
      message: (data: Uint8Array) => small.send(5, data),
      request: (data: Uint8Array) => small.request(5, data),
      answer: (data: Uint8Array) => small.answer(1, data),
    };
    receive(small, "request", [1, 5]);
    for (const send of Object.values(sends)) {
      assert.equal(
        thrownCode(() => send(pattern(11))),
        "ERR_TOO_LARGE_FOR_PEER",
      );
      assert.equal(
        thrownCode(() => send(pattern(100_001))),
        "ERR_MESSAGE_TOO_LARGE",
      );
    }
    assert.equal(
      thrownCode(() => small.send(0, hex(""))),
      "ERR_RESERVED_TYPE",
    );
    assert.equal(
      thrownCode(() => small.request(2 ** 32, hex(""))),
      "ERR_TYPE_OUT_OF_RANGE",
    );
    for (const send of Object.values(sends)) send(pattern(10));
    const frames = [
      nativeFrame("message", [5], pattern(10)),
      nativeFrame("request", [1, 5], pattern(10)),
      nativeFrame("answer", [1], pattern(10)),
    ];
    assert.equal(small.queuedBytes, weightOf(...frames));
  });

  test("sends what it takes itself, if the peer takes more or is not known", () => {
    for (const session of [attached(1_000_000), new NativeSession(own)]) {
      session.send(5, pattern(100_000));
      assert.equal(
        thrownCode(() => session.send(5, pattern(100_001))),
        "ERR_MESSAGE_TOO_LARGE",
      );
    }
  });

  test("answers what the peer waits for, once, and cancels what it has not answered, once", () => {
    const session = attached();
    receive(session, "request", [1, 5]);
    receive(session, "request", [2, 5]);
    receive(session, "request", [3, 5]);
    receive(session, "cancel", [3]);
    for (let times = 0; times < 2; times++) {
      session.fail(1, { code: "NO", message: "no" });
      session.answer(2, hex("01"));
      session.answer(3, hex("02"));
      session.fail(4, { code: "NO", message: "never asked" });
    }
    assert.equal(session.request(5, hex("")), 1);
    assert.equal(session.request(5, hex("")), 2);
    receive(session, "answer", [1]);
    for (const id of [1, 2, 2, 3]) session.cancel(id);
    const failure = nativeFrame("failure", [1], concat(hex("02"), Buffer.from("NOno")));
    const answer = nativeFrame("answer", [2], hex("01"));
    assert.equal(session.queuedAnswerBytes, weightOf(failure, answer, nativeFrame("cancel", [2])));
  });

  test("receives an answer or a failure if it waits for one, and a cancel if it handles the request", () => {
    const session = attached();
    session.request(5, hex(""));
    session.request(5, hex(""));
    session.cancel(2);
    receive(session, "request", [7, 5]);
    const kinds = [
      receive(session, "answer", [1], hex("01")),
      receive(session, "answer", [1], hex("01")),
      receive(session, "failure", [2], concat(hex("02"), Buffer.from("NOno"))),
      receive(session, "cancel", [7]),
      receive(session, "cancel", [7]),
    ].map((event) => event?.kind);
    assert.deepEqual(kinds, ["answer", undefined, undefined, "cancel", undefined]);
  });

  test("does not receive a request that was cancelled before it arrived, which is consumed in its turn", () => {
    const session = attached();
    const weight = weightOf(nativeFrame("request", [1, 5]));
    const first = receive(session, "request", [1, 5]);
    receive(session, "cancel", [2]);
    assert.equal(receive(session, "request", [2, 5]), undefined);
    assert.equal(session.incoming.acknowledge()[1], 0, "the one before it still waits");
    assert.ok(first?.kind === "request");
    session.consumed("requests", first.position);
    assert.equal(session.incoming.acknowledge()[1], 2 * weight);
  });
});

describe("a session that is given up", () => {
  test("says what may have arrived and what has not left, and drops what nobody can use", () => {
    const session = attached();
    session.send(1, hex("01"));
    session.request(7, hex("0a"));
    sendAll(session);
    session.send(2, hex("02"));
    session.request(8, hex("0b"));
    receive(session, "request", [9, 5]);
    session.answer(9, hex("0c"));
    session.cancel(1);
    assert.deepEqual(session.abandon(), {
      unacknowledged: [{ type: 1, data: hex("01") }],
      unsent: [{ type: 2, data: hex("02") }],
      unsentRequests: [{ id: 2, type: 8, data: hex("0b"), context: undefined }],
    });
    assert.equal(session.queuedBytes, 0);
    assert.deepEqual(session.abandon(), { unacknowledged: [], unsent: [], unsentRequests: [] });
  });

  test("forgets what was acknowledged", () => {
    const session = attached();
    for (const type of [1, 2]) {
      session.send(type, hex(""));
      sendAll(session);
    }
    session.outgoing.acknowledge([weightOf(nativeFrame("message", [1])), 0, 0]);
    assert.deepEqual(session.abandon().unacknowledged, [{ type: 2, data: hex("") }]);
  });
});
