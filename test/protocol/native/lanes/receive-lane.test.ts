import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ReceiveLane } from "#dist/protocol/native/lanes/receive-lane.js";
import { minWindow } from "#dist/protocol/native/wire/lanes.js";
import { thrownCode } from "../../../support/engine-probe.ts";
import { maxRecordWeight } from "../../../support/native-frames.ts";

/** What a frame of 36 bytes adds to the position. */
const step = 100;

function laneWith(window = 65_536) {
  const lane = new ReceiveLane(window);
  return { lane, receive: () => lane.receive(36) };
}

describe("what a lane has received", () => {
  test("counts each frame's bytes and 64 more", () => {
    const { lane } = laneWith();
    assert.equal(lane.received, 0);
    lane.receive(3);
    assert.equal(lane.received, 67);
    lane.receive(36);
    assert.equal(lane.received, 167);
  });

  test("is consumed at once if it is not for the application", () => {
    const { lane, receive } = laneWith();
    receive();
    receive();
    assert.equal(lane.consumed, 2 * step);
    assert.equal(lane.allConsumed, true);
  });
});

describe("what is for the application to take", () => {
  test("is consumed when the application says so, in order", () => {
    const { lane, receive } = laneWith();
    receive();
    const first = lane.hold();
    receive();
    const second = lane.hold();
    assert.equal(lane.consumed, 0);
    assert.equal(lane.allConsumed, false);
    lane.consume(first);
    assert.equal(lane.consumed, step);
    assert.equal(lane.allConsumed, false);
    lane.consume(second);
    assert.equal(lane.consumed, 2 * step);
    assert.equal(lane.allConsumed, true);
  });

  test("leaves what came before it consumed", () => {
    const { lane, receive } = laneWith();
    receive();
    receive();
    const mark = lane.hold();
    assert.equal(lane.consumed, step);
    lane.consume(mark);
    assert.equal(lane.consumed, 2 * step);
  });

  test("holds up what comes after it, until it is consumed", () => {
    const { lane, receive } = laneWith();
    receive();
    const mark = lane.hold();
    // Parts of a large body, say.
    receive();
    receive();
    assert.equal(lane.consumed, 0);
    lane.consume(mark);
    assert.equal(lane.consumed, 3 * step);
  });
});

describe("what the peer is told", () => {
  test("is what was consumed, once", () => {
    const { lane, receive } = laneWith();
    assert.equal(lane.hasNews, false);
    receive();
    assert.equal(lane.hasNews, true);
    assert.equal(lane.acknowledge(), step);
    assert.equal(lane.hasNews, false);
    receive();
    lane.hold();
    assert.equal(lane.hasNews, false);
    assert.equal(lane.acknowledge(), step);
  });

  test("is sent again if it may not have arrived", () => {
    const { lane, receive } = laneWith();
    receive();
    lane.acknowledge();
    lane.forgetAcknowledged();
    assert.equal(lane.hasNews, true);
    assert.equal(lane.acknowledge(), step);
  });

  test("is urgent from a quarter of the window on, or from 256 KiB if that is less", () => {
    for (const [window, urgentBytes] of [
      [65_536, 16_384],
      [1_048_576, 262_144],
      [100_000_000, 262_144],
    ] as const) {
      const { lane } = laneWith(window);
      lane.receive(urgentBytes - 64 - 1);
      assert.equal(lane.hasUrgentNews, false);
      lane.acknowledge();
      lane.receive(urgentBytes - 64);
      assert.equal(lane.hasUrgentNews, true);
      lane.acknowledge();
      assert.equal(lane.hasUrgentNews, false);
    }
  });

  test("is worth going along with something else from 8 KiB on", () => {
    const { lane } = laneWith();
    lane.receive(8_192 - 64 - 1);
    assert.equal(lane.hasNotableNews, false);
    lane.receive(1);
    assert.equal(lane.hasNotableNews, true);
    lane.acknowledge();
    assert.equal(lane.hasNotableNews, false);
  });
});

describe("a lane's window", () => {
  test("may be exceeded by one record of the smallest frames, and by no byte more", () => {
    const window = minWindow;
    const { lane, receive } = laneWith(window);
    receive();
    lane.hold();
    lane.receive(window + maxRecordWeight - step - 64);
    assert.equal(lane.received, window + maxRecordWeight);
    assert.equal(
      thrownCode(() => lane.receive(0)),
      "ERR_WINDOW_EXCEEDED",
    );
  });

  test("moves on with what is consumed", () => {
    const { lane } = laneWith(65_536);
    for (let round = 0; round < 100; round++) {
      lane.receive(60_000);
      lane.consume(lane.hold());
    }
    assert.equal(lane.received, 100 * 60_064);
  });
});
