import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ReceiveLane } from "#dist/protocol/native/receive-lane.js";

describe("what is told to be taken", () => {
  test("never goes back, though a listener read the next before it was done with the first", () => {
    const lane = new ReceiveLane(1_000_000);
    const marks = [1, 2, 3].map(() => {
      lane.receive(100);
      return lane.hold();
    }) as [number, number, number];
    lane.take(marks[1]);
    assert.equal(lane.tell(), marks[1]);
    lane.take(marks[0]);
    assert.equal(lane.tell(), marks[1]);
    lane.take(marks[2]);
    assert.equal(lane.tell(), marks[2]);
    assert.ok(lane.allTaken);
  });
});
