import assert from "node:assert/strict";
import fc from "fast-check";
import { ReceiveLane } from "#dist/protocol/native/lanes/receive-lane.js";
import { SendLane } from "#dist/protocol/native/lanes/send-lane.js";
import { maxRecordBytes } from "#dist/protocol/native/wire/frame.js";
import { minWindow } from "#dist/protocol/native/wire/lanes.js";
import { concat } from "../support/bytes.ts";
import { maxRecordWeight } from "../support/native-frames.ts";
import { type Target, target } from "./target.ts";

const overhead = 64;
/** In front of each frame: whose it is, and the how-manieth of that. */
const labelBytes = 5;

type LaneStep =
  | { readonly do: "frame"; readonly bytes: number }
  | { readonly do: "body"; readonly parts: readonly number[] }
  | { readonly do: "take" | "acknowledge" | "rewind" | "window"; readonly where: number };

const frameBytes = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: labelBytes, max: 60 }) },
  { weight: 1, arbitrary: fc.constantFrom(2_047, 2_048, 2_049, 6_000, 40_000) },
);
const where = fc.nat();
const laneSteps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant("frame" as const), bytes: frameBytes }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("body" as const),
        parts: fc.array(frameBytes, { minLength: 1, maxLength: 5 }),
      }),
    },
    { weight: 8, arbitrary: fc.record({ do: fc.constant("take" as const), where }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constantFrom("acknowledge" as const, "rewind" as const, "window" as const),
        where,
      }),
    },
  ),
  { maxLength: 60 },
);

/** Bytes that say whose they are: 0 for whole frames, which are counted, or the body's number and the part's. */
function labelled(bytes: number, owner: number, part: number): Uint8Array {
  const frame = new Uint8Array(bytes);
  const view = new DataView(frame.buffer);
  view.setUint16(0, owner);
  view.setUint16(2, part);
  frame.fill(owner + part, 4);
  return frame;
}

/** A lane beside what the page of the protocol says of one: positions as sums, and all that left as one list. */
class CheckedLane {
  readonly #lane: SendLane;
  /** Frames in the order in which they left for the first time, and where each of them ends. */
  readonly #left: { readonly frame: Uint8Array; readonly end: number }[] = [];
  /** How many of them are sent on this connection. */
  #next = 0;
  /** Positions between records: what the peer can have received. */
  readonly #ends = new Set([0]);
  readonly #pending: Uint8Array[][] = [];
  #waiting = 0;
  #position = 0;
  #acknowledged = 0;
  #smalls = 0;
  readonly #ordered: boolean;

  constructor(order: "ordered" | "interleaved") {
    this.#ordered = order === "ordered";
    this.#lane = new SendLane(order);
    this.#lane.window = 3_000;
  }

  perform(step: LaneStep): void {
    switch (step.do) {
      case "frame":
        this.#write(step.bytes);
        break;
      case "body":
        this.#push(step.parts);
        break;
      case "take":
        this.take();
        break;
      case "acknowledge":
        // A peer tells of nothing that has not come on this connection, or before it.
        if (this.#next > 0) this.acknowledge((this.#left[step.where % this.#next] as { end: number }).end);
        break;
      case "rewind":
        this.#rewind(step.where);
        break;
      default:
        this.#lane.window = step.where % 100_000;
    }
    this.#check();
  }

  /** Everything leaves, with room for it, and all is as it was written. */
  finish(): void {
    this.#lane.window = Number.MAX_SAFE_INTEGER;
    while (this.take());
    this.#check();
    assert.equal(this.#waiting, 0);
    assert.ok(this.#lane.allSent);
    this.#checkOrder();
    this.acknowledge(this.#position);
    this.#check();
    assert.equal(this.#lane.keptBytes, 0);
    assert.deepEqual(this.#lane.drain(), { sent: [], unsent: [] });
  }

  take(): boolean {
    const bytes = this.#lane.nextBytes;
    const again = this.#next < this.#left.length;
    const full = this.#position - this.#acknowledged >= this.#lane.window;
    assert.equal(bytes > 0, again || (this.#waiting > 0 && !full), "the window says when it may go on");
    if (bytes === 0) return false;
    const run = this.#lane.take();
    assert.equal(run.length, bytes);
    if (again) this.#takeAgain(run);
    else this.#takeNew(run);
    return true;
  }

  acknowledge(position: number): void {
    if (position < this.#acknowledged) return;
    this.#acknowledged = position;
    this.#lane.acknowledge(position);
  }

  #write(bytes: number): void {
    const frame = labelled(bytes, 0, this.#smalls);
    this.#smalls += 1;
    const offset = this.#lane.roomFor(bytes);
    this.#lane.slab.set(frame, offset);
    this.#lane.commit(bytes);
    this.#pending.push([frame]);
    this.#waiting += bytes + overhead;
  }

  #push(sizes: readonly number[]): void {
    const owner = this.#pending.length + 1;
    const frames = sizes.map((bytes, part) => labelled(bytes, owner, part));
    this.#pending.push(frames);
    for (const { length } of frames) this.#waiting += length + overhead;
    this.#lane.pushBody(frames);
  }

  /** Behind a cut, the very same bytes come again. */
  #takeAgain(run: Uint8Array): void {
    for (let at = 0; at < run.length; this.#next++) {
      const { frame } = this.#left[this.#next] as { frame: Uint8Array };
      assert.equal(Buffer.compare(run.subarray(at, at + frame.length), frame), 0);
      at += frame.length;
    }
  }

  #takeNew(run: Uint8Array): void {
    for (let at = 0; at < run.length; ) {
      const frame = this.#frameAt(run, at);
      at += frame.length;
      this.#position += frame.length + overhead;
      this.#waiting -= frame.length + overhead;
      this.#left.push({ frame, end: this.#position });
    }
    this.#next = this.#left.length;
    this.#ends.add(this.#position);
  }

  #frameAt(run: Uint8Array, at: number): Uint8Array {
    const view = new DataView(run.buffer, run.byteOffset + at);
    const [owner, part] = [view.getUint16(0), view.getUint16(2)];
    const group =
      owner === 0
        ? this.#pending.filter(([first]) => first?.[0] === 0 && first[1] === 0)[part]
        : this.#pending[owner - 1];
    const frame = group?.[owner === 0 ? 0 : part];
    assert.ok(frame !== undefined && Buffer.compare(frame, run.subarray(at, at + frame.length)) === 0);
    return frame;
  }

  #rewind(where: number): void {
    const served = [...this.#ends].filter((end) => end >= this.#acknowledged && end <= this.#position);
    const position = served[where % served.length] as number;
    assert.ok(!this.#lane.canRewind(this.#position + 1 + (where % 100)), "it was never sent");
    assert.ok(this.#lane.canRewind(position));
    this.#lane.rewind(position);
    this.#next = this.#left.filter(({ end }) => end <= position).length;
  }

  #check(): void {
    const lane = this.#lane;
    assert.equal(lane.sentPosition, this.#position);
    assert.equal(lane.acknowledged, this.#acknowledged);
    assert.equal(lane.unsentBytes, this.#waiting);
    assert.equal(lane.queuedBytes, this.#waiting + this.#position - this.#acknowledged);
    assert.equal(lane.allSent, this.#waiting === 0 && this.#next === this.#left.length);
    assert.ok(lane.keptBytes >= 0, `${lane.keptBytes} bytes are kept`);
  }

  /** Whole frames keep their order, and so do the frames of each body; in an ordered lane all do. */
  #checkOrder(): void {
    const order = this.#left.map(({ frame }) => frame);
    if (this.#ordered) {
      assert.equal(Buffer.compare(concat(...order), concat(...this.#pending.flat())), 0);
      return;
    }
    const seen = new Map<number, number>();
    let [underWay, most] = [0, 0];
    for (const frame of order) {
      const view = new DataView(frame.buffer);
      const [owner, part] = [view.getUint16(0), view.getUint16(2)];
      assert.equal(part, seen.get(owner) ?? 0, "in order");
      seen.set(owner, part + 1);
      if (owner === 0) continue;
      if (part === 0) underWay += 1;
      most = Math.max(most, underWay);
      if (part + 1 === this.#pending[owner - 1]?.length) underWay -= 1;
    }
    assert.ok(most <= 4, `${most} bodies are under way at a time`);
  }
}

function sending(order: "ordered" | "interleaved"): Target {
  return target(
    `native send lane, ${order}: positions are sums, a window holds it up, and a rewind sends the same bytes again`,
    150,
    laneSteps,
    (list) => {
      const lane = new CheckedLane(order);
      for (const step of list) lane.perform(step);
      lane.finish();
    },
  );
}

const receiving = target(
  "native receive lane: what is taken ends before the first that is not, and more than the window is refused",
  150,
  fc.tuple(
    fc.constantFrom(minWindow, 70_000),
    fc.array(
      fc.tuple(
        fc.constantFrom("hold", "hold", "pass", "take", "take", "tell", "forget"),
        fc.nat(maxRecordBytes),
      ),
      { maxLength: 60 },
    ),
  ),
  ([window, calls]) => {
    const lane = new ReceiveLane(window);
    const untaken: { readonly start: number; readonly end: number }[] = [];
    let [received, told] = [0, 0];
    const taken = (): number => untaken[0]?.start ?? received;
    for (const [call, bytes] of calls) {
      if (call === "hold" || call === "pass") {
        const start = received;
        received += bytes + overhead;
        // As far behind the window as one record of the smallest frames may reach.
        const tooMuch = received - taken() > window + maxRecordWeight;
        if (tooMuch) {
          assert.throws(() => lane.receive(bytes), { code: "ERR_WINDOW_EXCEEDED" });
          return;
        }
        lane.receive(bytes);
        if (call === "hold") {
          assert.equal(lane.hold(), received);
          // What came before it, and was taken as it arrived, is taken once all before that is.
          untaken.push({ start: untaken.length === 0 ? start : received - bytes - overhead, end: received });
        }
      } else if (call === "take") {
        const first = untaken.shift();
        if (first !== undefined) lane.consume(first.end);
        // Parts that came in between are told of with what comes after them.
        if (first !== undefined && untaken[0] !== undefined)
          untaken[0] = { start: first.end, end: untaken[0].end };
      } else if (call === "tell") {
        told = lane.acknowledge();
        assert.equal(told, taken());
      } else {
        lane.forgetAcknowledged();
        told = 0;
      }
      assert.equal(lane.received, received);
      assert.equal(lane.consumed, taken());
      assert.equal(lane.unconsumedBytes, received - taken());
      assert.equal(lane.allConsumed, untaken.length === 0);
      assert.equal(lane.hasNews, taken() > told);
    }
  },
);

export const nativeLaneTargets: readonly Target[] = [sending("ordered"), sending("interleaved"), receiving];
