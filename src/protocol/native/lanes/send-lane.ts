import { frameHeaderBytes, maxBodyBytes } from "../wire/frame.ts";
import { frameOverheadBytes } from "../wire/lanes.ts";
import { endsFrameAt, type OutgoingBody, type Place, type Run, splitRun } from "./run.ts";
import { giveSlab } from "./slab-pool.ts";

/** The first run after a position or, if the position is within a run, the two parts of that run. */
interface RunsBehind {
  readonly index: number;
  readonly runs?: readonly [Run, Run];
}

/**
 * What a lane contained when it was given up, in order: runs of whole frames, and each large body as all of its
 * frames.
 */
export interface Drained {
  /** Sent, at least in part, and not acknowledged. */
  readonly sent: readonly (readonly Uint8Array[])[];
  readonly unsent: readonly (readonly Uint8Array[])[];
}

const smallestSlabBytes = 2_048;
/** Two slabs fill the room that a record has for the frames of lanes. */
const maxSlabBytes = (frameHeaderBytes + maxBodyBytes) / 2;
/** Max number of bodies whose parts are on their way at the same time. Source: spec/protocol.md, "Large bodies". */
export const maxBodiesUnderWay = 4;

/** Shared by all lanes that have sent nothing: an empty array costs a third of a lane. */
const noSlab = new Uint8Array(0);

/**
 * One direction of one lane: frames that wait, and frames that were sent and are not acknowledged. Frames are written
 * one after the other into slabs, from which records are cut without another copy, and stay there for a resume.
 *
 * Source: spec/protocol.md, "Lanes".
 */
export class SendLane {
  /**
   * Whether bodies of several frames keep their place among the other frames; otherwise they alternate with them and
   * each other.
   */
  readonly #ordered: boolean;
  /** Runs that are on their way, or may have to be sent again. */
  readonly #sent: Run[] = [];
  /** The index of the first of `#sent` that was not sent on this connection yet. */
  #resendFrom = 0;
  readonly #waiting: (Run | OutgoingBody)[] = [];
  readonly #interleaved: OutgoingBody[] = [];
  #slab: Uint8Array = noSlab;
  #slabUsed = 0;
  /** Offset and weight of the frames in the slab that are not in `#waiting` yet. */
  #openStart = 0;
  #openWeight = 0;
  #openFollows = 0;
  #waitingWeight = 0;
  #sentPosition = 0;
  #acknowledged = 0;
  /** The place after the last acknowledged frame of the first run, if known. */
  #place: Place | undefined;
  /** Whether an interleaved body is next, if there is something else, too. */
  #bodyIsNext = false;
  /** How far after the acknowledged position the peer lets this end send. */
  window = 0;
  /** Slabs that are not needed any more, but that the transport may still have. */
  readonly #retired: Uint8Array[] = [];

  constructor(order: "ordered" | "interleaved") {
    this.#ordered = order === "ordered";
  }

  /** The weight of everything that waits, or is sent and not acknowledged. */
  get queuedBytes(): number {
    return this.#waitingWeight + this.#sentPosition - this.#acknowledged;
  }

  /** The weight of everything that waits to be sent for the first time. */
  get unsentBytes(): number {
    return this.#waitingWeight;
  }

  /**
   * Acknowledged bytes of large bodies that are not acknowledged completely: kept until then, and not in
   * {@link queuedBytes}.
   */
  get keptBytes(): number {
    const bodies = new Set<OutgoingBody>();
    for (const { body } of this.#sent) if (body !== undefined) bodies.add(body);
    for (const waiting of [...this.#waiting, ...this.#interleaved])
      if ("next" in waiting) bodies.add(waiting);
    let bytes = 0;
    for (const { frames, next } of bodies) for (const { length } of frames.slice(0, next)) bytes += length;
    for (const { frames, body } of this.#sent) if (body !== undefined) bytes -= frames.length;
    return bytes;
  }

  /** The position after everything that was sent. */
  get sentPosition(): number {
    return this.#sentPosition;
  }

  /** The position before which the peer has acknowledged everything. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** The position after everything that was written. */
  get writtenPosition(): number {
    return this.#sentPosition + this.#waitingWeight;
  }

  /** The position after everything that was sent and need not be sent again. */
  get leftPosition(): number {
    const again = this.#sent[this.#resendFrom];
    return again === undefined ? this.#sentPosition : again.end - again.weight;
  }

  /** The position in the lane of messages that has to leave before the next frame here. */
  get follows(): number {
    const next = this.#sent[this.#resendFrom] ?? this.#next();
    return next === undefined ? this.#openFollows : next.follows;
  }

  /** Whether the next frame belongs to a large body. */
  get isWithinBody(): boolean {
    const next = this.#sent[this.#resendFrom] ?? this.#next();
    const body = next !== undefined && "weight" in next ? next.body : next;
    return body !== undefined && body.frames.length > 1;
  }

  /** Whether everything was sent, also on this connection. Not all of it need be acknowledged. */
  get allSent(): boolean {
    return this.#waitingWeight === 0 && this.#resendFrom === this.#sent.length;
  }

  get slab(): Uint8Array {
    return this.#slab;
  }

  /**
   * Frames that are written from now on leave after `position` in the lane of messages. `waits`: that position has
   * not left yet, and frames that were written earlier must not wait for it.
   */
  follow(position: number, waits: boolean): void {
    if (waits && position !== this.#openFollows) this.#closeRun();
    this.#openFollows = position;
  }

  /**
   * Room for a frame of `count` bytes after the previous ones: in `slab`, from the returned offset. Nothing is
   * reserved: the caller writes the frame there, and then calls {@link commit}.
   */
  roomFor(count: number): number {
    if (this.#slab.length - this.#slabUsed < count) this.#renewSlab(count);
    return this.#slabUsed;
  }

  /** Queues the frame of `count` bytes that was written to {@link roomFor}. */
  commit(count: number): void {
    this.#slabUsed += count;
    this.#openWeight += count + frameOverheadBytes;
    this.#waitingWeight += count + frameOverheadBytes;
  }

  /**
   * Queues a body as frames, each of which leaves separately. They belong to the lane; each has a slab of the pool to
   * itself. `ahead`: how many whole frames the first of them has ahead of its own, with which they leave.
   */
  pushBody(frames: readonly Uint8Array[], ahead = 0): void {
    for (const frame of frames) this.#waitingWeight += frame.length + frameOverheadBytes;
    this.#waitingWeight += ahead * frameOverheadBytes;
    const keepsItsPlace = this.#ordered || frames.length === 1;
    if (keepsItsPlace) this.#closeRun();
    (keepsItsPlace ? this.#waiting : this.#interleaved).push({
      frames,
      follows: this.#openFollows,
      ahead,
      next: 0,
      isLost: false,
    });
  }

  /** The length of the next run for {@link take}; 0 if there is none or the window is full. */
  get nextBytes(): number {
    const again = this.#sent[this.#resendFrom];
    if (again !== undefined) return again.frames.length;
    if (this.#waitingWeight === 0 || this.#sentPosition - this.#acknowledged >= this.window) return 0;
    const next = this.#next();
    if (next === undefined) return this.#slabUsed - this.#openStart;
    return "weight" in next ? next.frames.length : (next.frames[next.next] as Uint8Array).length;
  }

  /** Returns the next run of whole frames. The caller has checked by {@link nextBytes} that there is one. */
  take(): Uint8Array {
    const again = this.#sent[this.#resendFrom];
    this.#resendFrom += 1;
    if (again !== undefined) return again.frames;
    const run = this.#takeWaiting();
    this.#waitingWeight -= run.weight;
    this.#sentPosition += run.weight;
    run.end = this.#sentPosition;
    this.#sent.push(run);
    return run.frames;
  }

  /** Whether a frame ends at `position`, which was sent and is after the acknowledged one. */
  endsFrame(position: number): boolean {
    const run = this.#sent.find(({ end }) => end >= position) as Run;
    if (run.end === position) return true;
    // The search goes on from the last place: it passes each frame once, however many acknowledgements its run gets.
    if (this.#place?.run !== run) this.#place = { run, offset: 0, position: run.end - run.weight };
    return endsFrameAt(this.#place, position);
  }

  /** The peer acknowledges everything before `position`, which the caller has checked. */
  acknowledge(position: number): void {
    this.#acknowledged = position;
    let taken = 0;
    while (taken < this.#sent.length && (this.#sent[taken] as Run).end <= position) taken += 1;
    if (taken === 0) return;
    if (this.#place !== undefined && this.#place.run.end <= position) this.#place = undefined;
    for (const run of this.#sent.splice(0, taken)) this.#retire(run);
    this.#resendFrom = Math.max(0, this.#resendFrom - taken);
  }

  /**
   * Returns the memory of acknowledged frames to the pool. The caller knows that the transport is done with
   * everything that it was given. The acknowledgement does not prove that: a peer can acknowledge before it reads.
   */
  recycle(): void {
    while (this.#retired.length > 0) giveSlab(this.#retired.pop() as Uint8Array);
  }

  /**
   * The transport has ended, and may still use the memory of the frames that it was given. That memory is left to the
   * garbage collector, which sees who still refers to it; frames for the next transport can be recycled again.
   */
  loseTaken(): void {
    this.#retired.length = 0;
    for (const { body } of this.#sent) if (body !== undefined) body.isLost = true;
    for (const waiting of [...this.#waiting, ...this.#interleaved]) {
      if ("next" in waiting && waiting.next > 0) waiting.isLost = true;
    }
  }

  /** Whether a frame that may have to be sent again begins at that position, or no frame follows it. */
  canRewind(position: number): boolean {
    return this.#runsBehind(position) !== undefined;
  }

  /** Goes back to the position up to which the peer has received. The caller has checked {@link canRewind}. */
  rewind(position: number): void {
    const { index, runs } = this.#runsBehind(position) as RunsBehind;
    this.#resendFrom = index;
    if (runs === undefined) return;
    this.#sent.splice(index, 1, ...runs);
    this.#resendFrom += 1;
    this.#place = undefined;
  }

  /** Empties the lane. */
  drain(): Drained {
    this.#closeRun();
    // Each once, at the place of the first of its frames: a set keeps the order.
    const sent = new Set<readonly Uint8Array[]>();
    const unsent: (readonly Uint8Array[])[] = [];
    for (const { frames, body } of this.#sent.splice(0)) sent.add(body?.frames ?? [frames]);
    for (const waiting of [...this.#waiting.splice(0), ...this.#interleaved.splice(0)]) {
      if ("weight" in waiting) unsent.push([waiting.frames]);
      else if (waiting.next > 0) sent.add(waiting.frames);
      else unsent.push(waiting.frames);
    }
    this.#resendFrom = 0;
    this.#place = undefined;
    this.#waitingWeight = 0;
    this.#acknowledged = this.#sentPosition;
    return { sent: [...sent], unsent };
  }

  /** With the last run of a body, its frames are not needed any more. */
  #retire({ frames, body }: Run): void {
    if (body === undefined || frames !== body.frames.at(-1) || body.isLost) return;
    this.#retired.push(...body.frames);
  }

  /** The part of `#sent` after the position; `undefined` if no frame that may have to be sent again begins there. */
  #runsBehind(position: number): RunsBehind | undefined {
    if (position < this.#acknowledged || position > this.#sentPosition) return undefined;
    const index = this.#sent.findIndex(({ end }) => end > position);
    if (index < 0) return { index: this.#sent.length };
    const run = this.#sent[index] as Run;
    if (run.end - run.weight === position) return { index };
    const runs = splitRun(run, position);
    return runs && { index, runs };
  }

  /** What is to be sent next for the first time; `undefined` for the open run. */
  #next(): Run | OutgoingBody | undefined {
    const othersWait = this.#waiting.length > 0 || this.#slabUsed > this.#openStart;
    if (this.#interleaved.length > 0 && (this.#bodyIsNext || !othersWait)) return this.#interleaved[0];
    return this.#waiting[0];
  }

  #takeWaiting(): Run {
    const next = this.#next();
    const interleaved = next !== undefined && next === this.#interleaved[0];
    this.#bodyIsNext = !interleaved;
    if (next === undefined) return this.#cutRun();
    const queue = interleaved ? this.#interleaved : this.#waiting;
    queue.shift();
    if ("weight" in next) return next;
    const frames = next.frames[next.next] as Uint8Array;
    next.next += 1;
    if (next.next < next.frames.length) this.#requeue(next, interleaved);
    const ahead = next.next === 1 ? next.ahead : 0;
    const weight = frames.length + (1 + ahead) * frameOverheadBytes;
    return { frames, weight, body: next, follows: next.follows, end: 0 };
  }

  #requeue(body: OutgoingBody, interleaved: boolean): void {
    if (!interleaved) this.#waiting.unshift(body);
    else this.#interleaved.splice(maxBodiesUnderWay - 1, 0, body);
  }

  #closeRun(): void {
    if (this.#slabUsed > this.#openStart) this.#waiting.push(this.#cutRun());
  }

  /** Closes the open run, which is not empty, and returns it. */
  #cutRun(): Run {
    const frames = this.#slab.subarray(this.#openStart, this.#slabUsed);
    const run = { frames, weight: this.#openWeight, body: undefined, follows: this.#openFollows, end: 0 };
    this.#openStart = this.#slabUsed;
    this.#openWeight = 0;
    return run;
  }

  #renewSlab(count: number): void {
    this.#closeRun();
    // The busier the lane, the larger the slab; an idle lane has a small one.
    const wanted = Math.max(count, smallestSlabBytes, this.#slab.length * 2);
    this.#slab = new Uint8Array(Math.min(wanted, maxSlabBytes));
    this.#slabUsed = 0;
    this.#openStart = 0;
  }
}
