import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SendLane } from "#dist/protocol/native/lanes/send-lane.js";
import { giveSlab, takeSlab } from "#dist/protocol/native/lanes/slab-pool.js";
import { frameHeaderBytes, maxBodyBytes } from "#dist/protocol/native/wire/frame.js";
import { concat, pattern, toHex } from "../../../support/bytes.ts";
import { nativeFrame } from "../../../support/native-frames.ts";

const maxRunBytes = (frameHeaderBytes + maxBodyBytes) / 2;

function setUp({ order = "ordered" as "ordered" | "interleaved", window = 1_000_000 } = {}) {
  const lane = new SendLane(order);
  lane.window = window;
  const push = (frame: Uint8Array): void => {
    const offset = lane.roomFor(frame.length);
    lane.slab.set(frame, offset);
    lane.commit(frame.length);
  };
  /** Frames of that many bytes each, with the body's number in every byte. */
  const pushBody = (number: number, frames: number, bytes = 100): void =>
    lane.pushBody(Array.from({ length: frames }, () => new Uint8Array(bytes).fill(number)));
  /** All that leaves now, run by run. */
  const takeAll = (): Uint8Array[] => {
    const runs: Uint8Array[] = [];
    for (let next = lane.nextBytes; next > 0; next = lane.nextBytes) {
      const run = lane.take();
      assert.equal(run.length, next);
      runs.push(Uint8Array.from(run));
    }
    return runs;
  };
  return { lane, push, pushBody, takeAll };
}

/** A frame that has 36 bytes, and so adds 100 to the lane's position. */
const frame = (number: number): Uint8Array => nativeFrame("message", [number], pattern(28));

const numbers = (runs: readonly Uint8Array[]): number[] => runs.map((run) => run[0] as number);
const weight = (...frameBytes: number[]): number => frameBytes.reduce((sum, bytes) => sum + bytes + 64, 0);

describe("frames in a lane", () => {
  test("leave together where they were written together", () => {
    const { lane, push, takeAll } = setUp();
    for (let seed = 0; seed < 5; seed++) push(pattern(10, seed));
    assert.equal(lane.unsentBytes, weight(10, 10, 10, 10, 10));
    const [run, ...others] = takeAll();
    assert.deepEqual(others, []);
    assert.deepEqual(run, concat(...[0, 1, 2, 3, 4].map((seed) => pattern(10, seed))));
    assert.equal(lane.unsentBytes, 0);
    assert.equal(lane.sentPosition, weight(10, 10, 10, 10, 10));
  });

  test("leave behind what has left, in order, however many and large they are", () => {
    const { lane, push, takeAll } = setUp({ window: 100_000_000 });
    const frames = Array.from({ length: 2_000 }, (_, index) => pattern(index * 7 + 3, index));
    const left: Uint8Array[] = [];
    for (const [index, frame] of frames.entries()) {
      push(frame);
      if (index % 37 === 0) left.push(...takeAll());
    }
    left.push(...takeAll());
    assert.ok(Buffer.from(concat(...left)).equals(concat(...frames)));
    for (const run of left) assert.ok(run.length <= maxRunBytes);
    assert.ok(left.length < 2_000);
    assert.equal(lane.allSent, true);
  });

  test("of the largest size leave alone", () => {
    const { push, takeAll } = setUp({ window: 100_000_000 });
    push(pattern(3));
    push(pattern(maxRunBytes, 1));
    push(pattern(3));
    assert.deepEqual(
      takeAll().map(({ length }) => length),
      [3, maxRunBytes, 3],
    );
  });

  test("hold little memory if there are few", () => {
    const { lane, push, takeAll } = setUp();
    push(pattern(3));
    takeAll();
    assert.equal(lane.slab.length, 2_048);
  });

  test("are none at first", () => {
    const { lane, takeAll } = setUp();
    assert.equal(lane.nextBytes, 0);
    assert.deepEqual(takeAll(), []);
    assert.equal(lane.allSent, true);
    assert.equal(lane.queuedBytes, 0);
  });
});

describe("the peer's window", () => {
  test("holds up what is to be sent, once as much is on its way", () => {
    const { lane, push, takeAll } = setUp({ window: 200 });
    push(pattern(36, 1));
    takeAll();
    push(pattern(36, 2));
    takeAll();
    push(pattern(36, 3));
    assert.deepEqual(takeAll(), []);
    assert.equal(lane.queuedBytes, 300);
    assert.equal(lane.unsentBytes, 100);
    assert.equal(lane.allSent, false);
    lane.acknowledge(100);
    assert.deepEqual(takeAll(), [pattern(36, 3)]);
    assert.equal(lane.queuedBytes, 200);
  });

  test("is exceeded by one run at the most", () => {
    const { push, takeAll } = setUp({ window: 1 });
    push(pattern(36, 1));
    push(pattern(36, 2));
    assert.equal(concat(...takeAll()).length, 72);
    push(pattern(36, 3));
    assert.deepEqual(takeAll(), []);
  });

  test("is none before the peer has sent it", () => {
    const { push, takeAll, lane } = setUp({ window: 0 });
    push(pattern(36));
    assert.deepEqual(takeAll(), []);
    lane.window = 1;
    assert.equal(takeAll().length, 1);
  });

  test("does not hold up what is sent again", () => {
    const { lane, push, takeAll } = setUp({ window: 100 });
    push(pattern(36, 1));
    takeAll();
    lane.rewind(0);
    assert.deepEqual(takeAll(), [pattern(36, 1)]);
  });
});

describe("what is acknowledged", () => {
  test("is forgotten, run by run", () => {
    const { lane, push, takeAll } = setUp();
    for (let seed = 0; seed < 3; seed++) {
      push(frame(seed));
      push(frame(seed + 10));
      takeAll();
    }
    lane.acknowledge(300);
    assert.equal(lane.acknowledged, 300);
    assert.equal(lane.queuedBytes, 300);
    assert.equal(lane.canRewind(300), true, "within the second run, which is not wholly acknowledged");
    assert.equal(lane.canRewind(200), false, "acknowledged");
    assert.equal(lane.canRewind(0), false);
    lane.acknowledge(600);
    assert.equal(lane.queuedBytes, 0);
    assert.equal(lane.canRewind(600), true);
    assert.equal(lane.canRewind(400), false);
  });

  test("before all was sent again is not sent again", () => {
    const { lane, push, takeAll } = setUp();
    for (let seed = 0; seed < 3; seed++) {
      push(frame(seed));
      takeAll();
    }
    lane.rewind(0);
    assert.deepEqual(lane.take(), frame(0));
    lane.acknowledge(200);
    assert.deepEqual(takeAll(), [frame(2)]);
    lane.rewind(200);
    lane.acknowledge(300);
    assert.deepEqual(takeAll(), []);
  });
});

describe("going on with another connection", () => {
  test("sends again what the peer has not received, and then what was not sent", () => {
    const { lane, push, takeAll } = setUp();
    for (let seed = 0; seed < 4; seed++) {
      push(frame(seed));
      takeAll();
    }
    push(frame(4));
    lane.rewind(200);
    assert.equal(lane.allSent, false);
    assert.equal(lane.sentPosition, 400, "the position is that of the session");
    assert.deepEqual(takeAll(), [frame(2), frame(3), frame(4)]);
    assert.equal(lane.sentPosition, 500);
  });

  test("is possible from the end of each frame that is not acknowledged, and from nowhere else", () => {
    const { lane, push, takeAll } = setUp();
    for (let seed = 0; seed < 3; seed++) {
      push(frame(seed));
      push(frame(seed));
      takeAll();
    }
    const possible = () => Array.from({ length: 701 }, (_, at) => at).filter((at) => lane.canRewind(at));
    assert.deepEqual(possible(), [0, 100, 200, 300, 400, 500, 600]);
    lane.acknowledge(300);
    assert.deepEqual(possible(), [300, 400, 500, 600]);
  });

  test("from within what left together sends the rest of it, and goes on counting as before", () => {
    const { lane, push, takeAll } = setUp();
    for (let seed = 0; seed < 4; seed++) push(frame(seed));
    takeAll();
    lane.acknowledge(100);
    lane.rewind(200);
    assert.equal(lane.allSent, false);
    assert.deepEqual(takeAll(), [concat(frame(2), frame(3))]);
    assert.equal(lane.endsFrame(200), true, "between what was acknowledged and what was received");
    assert.equal(lane.endsFrame(250), false);
    lane.acknowledge(200);
    assert.equal(lane.endsFrame(300), true);
    lane.rewind(300);
    assert.deepEqual(takeAll(), [frame(3)]);
    lane.acknowledge(400);
    assert.equal(lane.queuedBytes, 0);
  });
});

describe("large bodies", () => {
  test("keep their place among the frames of an ordered lane", () => {
    const { push, pushBody, takeAll } = setUp();
    push(pattern(3, 1));
    pushBody(7, 3);
    push(pattern(3, 2));
    push(pattern(3, 3));
    pushBody(8, 2);
    const runs = takeAll();
    assert.deepEqual(runs[0], pattern(3, 1));
    assert.deepEqual(numbers(runs.slice(1, 4)), [7, 7, 7]);
    assert.deepEqual(runs[4], concat(pattern(3, 2), pattern(3, 3)));
    assert.deepEqual(numbers(runs.slice(5)), [8, 8]);
  });

  test("take turns with the other frames of an interleaved lane, and with each other", () => {
    const { push, pushBody, takeAll } = setUp({ order: "interleaved" });
    for (const number of [1, 2]) pushBody(number, 3);
    push(Uint8Array.of(0x50));
    assert.deepEqual(numbers(takeAll()), [0x50, 1, 2, 1, 2, 1, 2]);
  });

  test("let frames pass that come while they are under way, each at the next turn", () => {
    const { lane, push, pushBody } = setUp({ order: "interleaved" });
    pushBody(1, 5);
    const left = [];
    for (let count = 0; count < 8; count++) {
      if ([1, 3, 5].includes(count)) push(Uint8Array.of(0x50 + count));
      left.push(lane.take()[0]);
    }
    assert.deepEqual(left, [1, 0x51, 1, 0x53, 1, 0x55, 1, 1]);
  });

  test("are not kept waiting by frames that go on coming", () => {
    const { lane, push, pushBody } = setUp({ order: "interleaved" });
    pushBody(1, 3);
    const left = [];
    for (let count = 0; count < 6; count++) {
      push(Uint8Array.of(0x50));
      left.push(lane.take()[0]);
    }
    assert.deepEqual(left, [0x50, 1, 0x50, 1, 0x50, 1]);
  });

  test("are at most four under way; the fifth begins when one of them has ended", () => {
    const { pushBody, takeAll } = setUp({ order: "interleaved" });
    for (const number of [1, 2, 3, 4, 5]) pushBody(number, number === 3 ? 2 : 3);
    const order = numbers(takeAll());
    assert.deepEqual(order.slice(0, 8), [1, 2, 3, 4, 1, 2, 3, 4]);
    assert.ok(order.indexOf(5) > order.lastIndexOf(3));
    for (let at = 0; at < order.length; at++) {
      const begun = new Set(order.slice(0, at + 1).filter((number) => order.slice(at).includes(number)));
      assert.ok(begun.size <= 4, `${[...begun]} at ${at}`);
    }
    assert.equal(order.length, 14);
  });

  test("are counted until they are acknowledged, part by part", () => {
    const { lane, pushBody, takeAll } = setUp();
    pushBody(1, 3, 36);
    assert.equal(lane.unsentBytes, 300);
    lane.take();
    assert.equal(lane.unsentBytes, 200);
    assert.equal(lane.queuedBytes, 300);
    takeAll();
    lane.acknowledge(200);
    assert.equal(lane.queuedBytes, 100);
  });

  test("are sent again from the part that the peer lacks", () => {
    const { lane, pushBody, takeAll } = setUp();
    lane.pushBody([0, 1, 2, 3].map((seed) => pattern(36, seed)));
    lane.take();
    lane.take();
    lane.rewind(100);
    assert.deepEqual(
      takeAll(),
      [1, 2, 3].map((seed) => pattern(36, seed)),
    );
    pushBody(9, 1);
    assert.deepEqual(numbers(takeAll()), [9]);
  });
});

describe("a body of one frame", () => {
  for (const order of ["ordered", "interleaved"] as const) {
    test(`keeps its place among the others (${order})`, () => {
      const { push, pushBody, takeAll } = setUp({ order });
      push(Uint8Array.of(1));
      pushBody(2, 1);
      push(Uint8Array.of(3));
      pushBody(4, 1);
      assert.deepEqual(numbers(takeAll()), [1, 2, 3, 4]);
    });
  }
});

describe("a lane that is given up", () => {
  const drained = (groups: readonly (readonly Uint8Array[])[]): string[] =>
    groups.map((frames) => frames.map(toHex).join(" | "));

  test("gives what was sent and not acknowledged, and what was not sent, in order", () => {
    const { lane, push, takeAll } = setUp();
    for (const byte of [1, 2]) {
      push(Uint8Array.of(byte));
      takeAll();
    }
    push(Uint8Array.of(3));
    push(Uint8Array.of(4));
    lane.acknowledge(65);
    const { sent, unsent } = lane.drain();
    assert.deepEqual(drained(sent), ["02"]);
    assert.deepEqual(drained(unsent), ["03 04"]);
  });

  test("gives a large body whole among what was sent, once some of it was, and not acknowledged", () => {
    for (const order of ["ordered", "interleaved"] as const) {
      const { lane, pushBody } = setUp({ order });
      pushBody(1, 3, 2);
      pushBody(2, 2, 2);
      lane.take();
      lane.acknowledge(66);
      const { sent, unsent } = lane.drain();
      assert.deepEqual(drained(sent), ["01 01 | 01 01 | 01 01"]);
      assert.deepEqual(drained(unsent), ["02 02 | 02 02"]);
    }
  });

  test("gives a large body once, though several of its parts are on their way", () => {
    const { lane, pushBody, takeAll } = setUp();
    pushBody(1, 3, 2);
    takeAll();
    assert.deepEqual(drained(lane.drain().sent), ["01 01 | 01 01 | 01 01"]);
  });

  test("forgets a large body that is acknowledged", () => {
    const { lane, pushBody, takeAll } = setUp();
    pushBody(1, 2, 2);
    takeAll();
    lane.acknowledge(132);
    assert.deepEqual(lane.drain(), { sent: [], unsent: [] });
  });

  test("has nothing left", () => {
    const { lane, push, pushBody, takeAll } = setUp();
    push(pattern(3));
    takeAll();
    push(pattern(3));
    pushBody(1, 2);
    lane.drain();
    assert.equal(lane.queuedBytes, 0);
    assert.equal(lane.unsentBytes, 0);
    assert.equal(lane.allSent, true);
    assert.deepEqual(takeAll(), []);
    assert.deepEqual(lane.drain(), { sent: [], unsent: [] });
  });
});

describe("the memory of a large body", () => {
  const whole = frameHeaderBytes + maxBodyBytes;
  const bodyOf = (number: number): Uint8Array[] =>
    [0, 1].map(() => takeSlab(whole).subarray(0, whole).fill(number));

  /** Whether the next slab of that size that anyone asks for is one of those. */
  function isUsedAgain(frames: readonly Uint8Array[]): boolean {
    const taken = takeSlab(whole);
    giveSlab(taken);
    return frames.some(({ buffer }) => buffer === taken.buffer);
  }

  test("is used again once all of it is acknowledged and has left", () => {
    const { lane, takeAll } = setUp();
    const frames = bodyOf(1);
    lane.pushBody(frames);
    takeAll();
    lane.acknowledge(weight(whole));
    lane.recycle();
    assert.equal(isUsedAgain(frames), false, "it may have to be told of");
    lane.acknowledge(weight(whole, whole));
    assert.equal(isUsedAgain(frames), false, "it may be on its way");
    lane.recycle();
    assert.equal(isUsedAgain(frames), true);
  });

  test("is not used again if the body is given up and was reported", () => {
    const { lane, takeAll } = setUp();
    const frames = bodyOf(2);
    lane.pushBody(frames);
    takeAll();
    lane.acknowledge(weight(whole));
    assert.deepEqual(lane.drain().sent, [frames]);
    lane.recycle();
    assert.equal(isUsedAgain(frames), false);
  });

  test("is used again of each frame, the last and smaller one too", () => {
    const { lane, takeAll } = setUp();
    const frames = [takeSlab(whole).subarray(0, whole), takeSlab(100).subarray(0, 100)];
    lane.pushBody(frames);
    takeAll();
    lane.acknowledge(weight(whole, 100));
    lane.recycle();
    assert.equal(isUsedAgain(frames), true);
    assert.equal(takeSlab(100).buffer, frames[1]?.buffer);
  });
});
