import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { IncomingEvent } from "#dist/protocol/native/lanes/incoming.js";
import { minWindow } from "#dist/protocol/native/wire/lanes.js";
import { concat, hex, pattern, toHex } from "../../../support/bytes.ts";
import { thrownCode } from "../../../support/engine-probe.ts";
import { incomingOf } from "../../../support/incoming.ts";
import { lent, owned } from "../../../support/memory.ts";
import { maxRecordWeight, nativeFrame, weightOf } from "../../../support/native-frames.ts";

const least = 16_384;

function setUp(maxMessageBytes = 100_000) {
  const incoming = incomingOf(maxMessageBytes);
  /** A frame with other frames around it in its record. */
  const receive = (frame: Uint8Array): IncomingEvent | undefined => {
    const record = concat(hex("ee ee"), frame, hex("ee"));
    return incoming.receive(lent(record), 2, 2 + frame.length);
  };
  return { incoming, receive };
}

describe("what a frame of a lane comes to", () => {
  const data = hex("0a 0b");
  const examples: Record<string, { frame: Uint8Array; event: object; lane: 0 | 1 | 2; held: boolean }> = {
    "a message": {
      frame: nativeFrame("message", [5], data),
      event: { kind: "message", type: 5, data, position: weightOf(nativeFrame("message", [5], data)) },
      lane: 0,
      held: true,
    },
    "an empty message of the highest type": {
      frame: nativeFrame("message", [0xffff_ffff]),
      event: {
        kind: "message",
        type: 0xffff_ffff,
        data: hex(""),
        position: weightOf(nativeFrame("message", [5])),
      },
      lane: 0,
      held: true,
    },
    "a request": {
      frame: nativeFrame("request", [7, 5], data),
      event: {
        kind: "request",
        id: 7,
        type: 5,
        data,
        context: undefined,
        position: weightOf(nativeFrame("request", [7, 5], data)),
      },
      lane: 1,
      held: true,
    },
    "an answer": {
      frame: nativeFrame("answer", [7], data),
      event: { kind: "answer", id: 7, data },
      lane: 2,
      held: false,
    },
    "a failure": {
      frame: nativeFrame("failure", [7], concat(hex("02"), Buffer.from("NO, hé"))),
      event: { kind: "failure", id: 7, code: "NO", message: ", hé" },
      lane: 2,
      held: false,
    },
    "a failure without a message": {
      frame: nativeFrame("failure", [7], hex("01 5f")),
      event: { kind: "failure", id: 7, code: "_", message: "" },
      lane: 2,
      held: false,
    },
    "a cancel": { frame: nativeFrame("cancel", [7]), event: { kind: "cancel", id: 7 }, lane: 2, held: false },
  };

  for (const [what, { frame, event, lane, held }] of Object.entries(examples)) {
    test(`is ${what}`, () => {
      const { incoming, receive } = setUp();
      assert.deepEqual(receive(frame), event);
      const positions = [0, 0, 0];
      positions[lane] = weightOf(frame);
      assert.deepEqual(incoming.received, positions);
      assert.equal(incoming.allConsumed, !held);
      assert.deepEqual(incoming.acknowledge(), held ? [0, 0, 0] : positions);
    });
  }

  const large: Record<string, { start: readonly number[]; part: readonly number[]; event: object }> = {
    message: { start: [5, least + 2], part: [], event: { kind: "message", type: 5 } },
    request: {
      start: [7, 5, least + 2],
      part: [7],
      event: { kind: "request", id: 7, type: 5, context: undefined },
    },
    answer: { start: [7, least + 2], part: [7], event: { kind: "answer", id: 7 } },
  };
  for (const [what, { start, part, event }] of Object.entries(large)) {
    test(`is a large ${what} with its last part`, () => {
      const { incoming, receive } = setUp();
      assert.equal(
        receive(nativeFrame(`${what}-start` as "message-start", start, pattern(least))),
        undefined,
      );
      assert.equal(incoming.allConsumed, true, "parts but the last count as taken when they arrive");
      assert.equal(incoming.hasNews, true);
      const whole = receive(nativeFrame(`${what}-part` as "message-part", part, hex("0a 0b")));
      const position = incoming.received[what === "message" ? 0 : 1];
      const expected = { ...event, data: concat(pattern(least), hex("0a 0b")) };
      assert.deepEqual(whole, what === "answer" ? expected : { ...expected, position });
    });
  }

  test("is a message of the largest size, whole or in parts", () => {
    const { receive } = setUp(20_000);
    const whole = receive(nativeFrame("message", [5], pattern(20_000)));
    assert.ok(whole?.kind === "message" && whole.data.length === 20_000);
    receive(nativeFrame("message-start", [5, 20_000], pattern(least)));
    const large = receive(nativeFrame("message-part", [], pattern(20_000 - least)));
    assert.ok(large?.kind === "message" && large.data.length === 20_000);
  });
});

describe("taking", () => {
  test("moves on the lane that it is of", () => {
    const { incoming, receive } = setUp();
    const frames = [nativeFrame("message", [5]), nativeFrame("request", [1, 5])] as const;
    const [message, request] = frames.map(receive);
    const [messageWeight, requestWeight] = frames.map((frame) => weightOf(frame));
    assert.ok(message?.kind === "message" && request?.kind === "request");
    incoming.lane("requests").consume(request.position);
    assert.equal(incoming.allConsumed, false);
    assert.deepEqual(incoming.acknowledge(), [0, requestWeight, 0]);
    incoming.lane("messages").consume(message.position);
    assert.equal(incoming.allConsumed, true);
    assert.deepEqual(incoming.acknowledge(), [messageWeight, requestWeight, 0]);
    assert.equal(incoming.hasNews, false);
    incoming.forgetAcknowledged();
    assert.equal(incoming.hasNews, true);
  });

  test("is urgent, or worth telling along with something else, in any lane", () => {
    for (const frame of [
      nativeFrame("message-start", [5, 99_999], pattern(20_000)),
      nativeFrame("request-start", [1, 5, 99_999], pattern(20_000)),
      nativeFrame("answer", [1], pattern(20_000)),
    ]) {
      const { incoming, receive } = setUp();
      assert.equal(incoming.hasNotableNews || incoming.hasUrgentNews, false);
      receive(frame);
      assert.equal(incoming.hasNotableNews && incoming.hasUrgentNews, true);
    }
  });
});

describe("a frame is refused", () => {
  const cases: Record<string, { before?: Uint8Array; frame: Uint8Array; code?: string }> = {
    "of an unknown kind": { frame: nativeFrame(0x13, [5]) },
    "of an unknown kind in a high lane": { frame: nativeFrame(0xff, [5]) },
    "of an unknown kind between the lanes": { frame: nativeFrame(0x35, [5]) },
    "that is a message too short for its type": { frame: nativeFrame("message", [], hex("00 00 05")) },
    "that is a request too short for its type": { frame: nativeFrame("request", [1], hex("00 00 05")) },
    "that is an answer too short for its id": { frame: nativeFrame("answer", [], hex("00 00 05")) },
    "that is a start too short for its length": { frame: nativeFrame("message-start", [5], hex("00 00 05")) },
    "that is a request's start too short": { frame: nativeFrame("request-start", [1, 5], hex("00 00 05")) },
    "that is an answer's start too short": { frame: nativeFrame("answer-start", [1], hex("00 00 05")) },
    "that is a request's part too short": { frame: nativeFrame("request-part", [], hex("00 00 01")) },
    "that is an answer's part too short": { frame: nativeFrame("answer-part", [], hex("00 00 01")) },
    "that is a cancel too short": { frame: nativeFrame("cancel", [], hex("00 00 01")) },
    "that is a failure too short for a code": { frame: nativeFrame("failure", [1], hex("00")) },
    "that is a failure without a code": { frame: nativeFrame("failure", [1], hex("00 41")) },
    "that is a failure whose code ends outside it": { frame: nativeFrame("failure", [1], hex("02 41")) },
    "that is a failure with a code in small letters": { frame: nativeFrame("failure", [1], hex("01 61")) },
    "that is a failure with too long a code": {
      frame: nativeFrame("failure", [1], concat(hex("41"), new Uint8Array(65).fill(0x41))),
    },
    "that is a message of type 0": { frame: nativeFrame("message", [0]) },
    "that is a request of type 0": { frame: nativeFrame("request", [1, 0]) },
    "that starts a message of type 0": { frame: nativeFrame("message-start", [0, 99_999], pattern(least)) },
    "that starts a request of type 0": {
      frame: nativeFrame("request-start", [1, 0, 99_999], pattern(least)),
    },
    "that is a message within a large one": {
      before: nativeFrame("message-start", [5, 99_999], pattern(least)),
      frame: nativeFrame("message", [5]),
    },
    "that starts a second large message": {
      before: nativeFrame("message-start", [5, 99_999], pattern(least)),
      frame: nativeFrame("message-start", [5, 99_999], pattern(least)),
    },
    "that is a part of nothing": { frame: nativeFrame("message-part", [], pattern(least)) },
    "that is a message over the limit": {
      frame: nativeFrame("message", [5], pattern(20_001)),
      code: "ERR_PEER_MESSAGE_TOO_LARGE",
    },
    "that is a request over the limit": {
      frame: nativeFrame("request", [1, 5], pattern(20_001)),
      code: "ERR_PEER_MESSAGE_TOO_LARGE",
    },
    "that is an answer over the limit": {
      frame: nativeFrame("answer", [1], pattern(20_001)),
      code: "ERR_PEER_MESSAGE_TOO_LARGE",
    },
    "that starts a message over the limit": {
      frame: nativeFrame("message-start", [5, 20_001], pattern(least)),
      code: "ERR_PEER_MESSAGE_TOO_LARGE",
    },
  };
  for (const [which, { before, frame, code = "ERR_FRAME_INVALID" }] of Object.entries(cases)) {
    test(which, () => {
      const { receive } = setUp(before === undefined ? 20_000 : 100_000);
      if (before !== undefined) receive(before);
      assert.equal(
        thrownCode(() => receive(frame)),
        code,
      );
    });
  }

  test("if its lane's window is exceeded", () => {
    for (const frame of [
      nativeFrame("message", [5], pattern(60_000)),
      nativeFrame("request", [1, 5], pattern(60_000)),
    ]) {
      const { incoming, receive } = setUp();
      const most = minWindow + maxRecordWeight;
      for (let position = weightOf(frame); position <= most; position += weightOf(frame)) receive(frame);
      assert.ok(Math.max(...(incoming.received as readonly number[])) > most - weightOf(frame));
      assert.equal(
        thrownCode(() => receive(frame)),
        "ERR_WINDOW_EXCEEDED",
      );
    }
  });

  test("never because its lane's things are taken late, if the window is kept to", () => {
    const { incoming, receive } = setUp();
    const message = nativeFrame("message", [5], pattern(20_000));
    for (let round = 0; round < 50; round++) {
      const marks = [1, 2, 3].map(() => {
        const event = receive(message);
        assert.ok(event?.kind === "message");
        return event.position;
      });
      for (const mark of marks) incoming.lane("messages").consume(mark);
    }
    assert.equal(incoming.received[0], 150 * weightOf(message));
  });
});

test("the data of what has arrived are no view of a record that holds anything else", () => {
  for (const received of [lent, owned]) {
    const first = nativeFrame("message", [5], hex("0a"));
    const record = concat(first, nativeFrame("request", [1, 5], hex("0b")));
    const incoming = incomingOf(100);
    const whole = received(record);
    const message = incoming.receive(whole, 0, first.length);
    const request = incoming.receive(whole, first.length, record.length);
    assert.ok(message?.kind === "message" && request?.kind === "request");
    record.fill(0);
    assert.equal(toHex(message.data) + toHex(request.data), "0a0b");
  }
});
