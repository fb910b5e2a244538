import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ReceiveLane } from "#dist/protocol/native/lanes/receive-lane.js";

describe("what is told to be taken", () => {
  test("never goes back, though a listener read the next before it was done with the first", () => {
    const lane = new ReceiveLane(1_000_000);
    const marks = [1, 2, 3].map(() => {
      lane.receive(100);
      return lane.hold();
    }) as [number, number, number];
    lane.consume(marks[1]);
    assert.equal(lane.acknowledge(), marks[1]);
    lane.consume(marks[0]);
    assert.equal(lane.acknowledge(), marks[1]);
    lane.consume(marks[2]);
    assert.equal(lane.acknowledge(), marks[2]);
    assert.ok(lane.allConsumed);
  });

  test("always ends with a frame, in whatever order things arrive, are held, and are consumed", () => {
    const random = fixedRandom(4_711);
    for (let round = 0; round < 200; round++) {
      const lane = new ReceiveLane(1_000_000);
      const ends = new Set([0]);
      const held: number[] = [];
      for (let step = 0; step < 40; step++) {
        if (random() < 0.6) {
          lane.receive(1 + Math.floor(random() * 100));
          ends.add(lane.received);
          // Some, as parts of a large body, are nothing to take.
          if (random() < 0.6) held.push(lane.hold());
        } else if (held.length > 0) {
          const [mark] = held.splice(Math.floor(random() * held.length), 1) as [number];
          lane.consume(mark);
        }
        if (random() < 0.1) lane.forgetAcknowledged();
        assert.ok(ends.has(lane.acknowledge()));
      }
    }
  });
});

/** Numbers from 0 to 1 that are the same each time. */
function fixedRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
}
