import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Acknowledger } from "#dist/protocol/native/lanes/acknowledger.js";
import { pattern, toHex } from "../../../support/bytes.ts";
import { incomingOf } from "../../../support/incoming.ts";
import { lent } from "../../../support/memory.ts";
import { acknowledgement, nativeFrame, weightOf } from "../../../support/native-frames.ts";

function setUp() {
  const incoming = incomingOf(100_000);
  const acknowledger = new Acknowledger(incoming);
  const receive = (frame: Uint8Array): number => {
    const event = incoming.receive(lent(frame), 0, frame.length);
    return event !== undefined && "position" in event ? event.position : 0;
  };
  const taken = (): string => toHex(acknowledger.takeFrame() ?? new Uint8Array(0));
  return { incoming, acknowledger, receive, taken };
}

const message = nativeFrame("message", [5]);
const request = nativeFrame("request", [1, 5]);
const answer = nativeFrame("answer", [1], pattern(10));

describe("an acknowledgement", () => {
  test("is none if there is no news", () => {
    const { acknowledger, receive, taken } = setUp();
    acknowledger.notice(1_000);
    acknowledger.ask();
    assert.equal(taken(), "");
    assert.equal(acknowledger.nextTimeout, undefined);
    receive(message);
    acknowledger.notice(1_000);
    assert.equal(acknowledger.isDue || acknowledger.isNotable, false);
    assert.equal(acknowledger.nextTimeout, undefined, "it arrived, and nobody has taken it");
  });

  test("is due 20 ms after something was consumed, and not put off by what is consumed later", () => {
    const { acknowledger, receive, taken } = setUp();
    receive(answer);
    acknowledger.notice(1_000);
    assert.equal(acknowledger.nextTimeout, 1_020);
    receive(answer);
    acknowledger.notice(1_015);
    assert.equal(acknowledger.nextTimeout, 1_020);
    acknowledger.handleTimeout(1_019);
    assert.equal(acknowledger.isDue, false);
    acknowledger.handleTimeout(1_020);
    assert.equal(acknowledger.isDue, true);
    assert.equal(acknowledger.nextTimeout, undefined);
    assert.equal(taken(), toHex(acknowledgement(0, 0, weightOf(answer, answer))));
    assert.equal(acknowledger.isDue, false);
    acknowledger.handleTimeout(2_000);
    assert.equal(acknowledger.isDue, false);
  });

  test("acknowledges all lanes", () => {
    const { incoming, receive, taken } = setUp();
    incoming.lane("messages").consume(receive(message));
    incoming.lane("requests").consume(receive(request));
    receive(answer);
    assert.equal(taken(), toHex(acknowledgement(weightOf(message), weightOf(request), weightOf(answer))));
    assert.equal(taken(), "");
  });

  test("that goes with something else is not sent again by itself", () => {
    const { acknowledger, receive, taken } = setUp();
    receive(answer);
    acknowledger.notice(1_000);
    assert.notEqual(taken(), "");
    assert.equal(acknowledger.nextTimeout, undefined);
  });

  test("is due at once if much was consumed", () => {
    const { acknowledger, receive } = setUp();
    receive(nativeFrame("answer", [1], pattern(20_000)));
    assert.equal(acknowledger.isDue, true);
  });

  test("goes with something else if it is worth it, and otherwise if it is due", () => {
    const { acknowledger, receive } = setUp();
    receive(answer);
    assert.equal(acknowledger.isNotable, false);
    acknowledger.ask();
    assert.equal(acknowledger.isNotable, true);
    const other = setUp();
    other.receive(nativeFrame("answer", [1], pattern(9_000)));
    assert.equal(other.acknowledger.isNotable, true);
    assert.equal(other.acknowledger.isDue, false);
  });
});

describe("a peer that asks for one soon", () => {
  test("gets it as soon as everything that has arrived is consumed", () => {
    const { incoming, acknowledger, receive } = setUp();
    const first = receive(message);
    const second = receive(message);
    acknowledger.ask();
    incoming.lane("messages").consume(first);
    assert.equal(acknowledger.isDue, false);
    incoming.lane("messages").consume(second);
    assert.equal(acknowledger.isDue, true);
  });

  test("has asked still if what it got before was not all", () => {
    const { incoming, acknowledger, receive, taken } = setUp();
    const first = receive(message);
    const second = receive(message);
    acknowledger.ask();
    incoming.lane("messages").consume(first);
    assert.equal(taken(), toHex(acknowledgement(weightOf(message))));
    incoming.lane("messages").consume(second);
    assert.equal(acknowledger.isDue, true);
    taken();
    incoming.lane("messages").consume(receive(message));
    assert.equal(acknowledger.isDue, false, "it has asked once");
  });
});
