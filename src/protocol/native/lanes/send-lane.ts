import { frameHeaderBytes, maxBodyBytes, readBodyBytes } from "../wire/frame.ts";
import { giveSlab } from "./slab-pool.ts";

/** What a frame adds to its lane's position besides its bytes. Source: spec/protocol.md, "Lanes". */
export const frameOverheadBytes = 64;

/** Whole frames of one lane that leave in one record. */
interface Run {
  readonly frames: Uint8Array;
  /** What they add to the lane's position. */
  readonly weight: number;
  /** The large body that they are of: kept whole until all of it is acknowledged, to be told if it never is. */
  readonly body: OutgoingBody | undefined;
  /** The position in the lane of messages that has to leave before it. */
  readonly follows: number;
  /** The lane's position behind it, once it was sent. */
  end: number;
}

/** A place between two frames of a run: in its bytes, and in the lane. */
interface Place {
  readonly run: Run;
  offset: number;
  position: number;
}

/** A large body as its frames, of which those before `next` are sent. */
interface OutgoingBody {
  readonly frames: readonly Uint8Array[];
  readonly follows: number;
  next: number;
  /** A transport that ended may still have some of the frames: their memory is nobody's to use again. */
  isLost: boolean;
}

/** The first run behind a position, or the one that the position lies in, as what is before it and what is behind it. */
interface RunsBehind {
  readonly index: number;
  readonly runs?: readonly [Run, Run];
}

/** What lay in a lane when it was given up, in order: runs of whole frames, and each large body as all of its frames. */
export interface Drained {
  /** Sent, in part at least, and not acknowledged. */
  readonly sent: readonly (readonly Uint8Array[])[];
  readonly unsent: readonly (readonly Uint8Array[])[];
}

const smallestSlabBytes = 2_048;
/** Two of them fill the room that a record has for the frames of lanes. */
const maxSlabBytes = (frameHeaderBytes + maxBodyBytes) / 2;
/** Bodies whose parts are on their way at the same time. Source: spec/protocol.md, "Large bodies". */
export const maxBodiesUnderWay = 4;

/** One for all lanes that have sent nothing: an empty array costs as much as a third of the lane. */
const noSlab = new Uint8Array(0);

/**
 * One direction of one lane: frames that wait, and those that were sent and not acknowledged. Frames are written one
 * behind the other into slabs, from which records are cut without another copy, and kept there for a resume.
 *
 * Source: spec/protocol.md, "Lanes".
 */
export class SendLane {
  /** Bodies of several frames keep their place among the others; otherwise they take turns with them and each other. */
  readonly #ordered: boolean;
  /** Runs that are on their way, or may have to be sent again. */
  readonly #sent: Run[] = [];
  /** The first of `#sent` that has to be sent, for the first time on this connection. */
  #resendFrom = 0;
  readonly #waiting: (Run | OutgoingBody)[] = [];
  readonly #interleaved: OutgoingBody[] = [];
  #slab: Uint8Array = noSlab;
  #slabUsed = 0;
  /** Where in the slab the frames begin that are not in `#waiting` yet, and what they weigh. */
  #openStart = 0;
  #openWeight = 0;
  #openFollows = 0;
  #waitingWeight = 0;
  #sentPosition = 0;
  #acknowledged = 0;
  /** Behind the last frame of the first run that was acknowledged, where that is known. */
  #place: Place | undefined;
  /** An interleaved body is next, where there is something else too. */
  #bodyIsNext = false;
  /** How far behind the acknowledged position the peer lets us go. */
  window = 0;
  /** Slabs that nobody will ask for any more, but that the transport may have. */
  readonly #retired: Uint8Array[] = [];

  constructor(order: "ordered" | "interleaved") {
    this.#ordered = order === "ordered";
  }

  /** The weight of what waits, or is sent and not acknowledged. */
  get queuedBytes(): number {
    return this.#waitingWeight + this.#sentPosition - this.#acknowledged;
  }

  /** The weight of what waits to be sent for the first time. */
  get unsentBytes(): number {
    return this.#waitingWeight;
  }

  /** What is acknowledged of large bodies of which not all is: kept until it is, and no part of {@link queuedBytes}. */
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

  /** The position behind all that was sent. */
  get sentPosition(): number {
    return this.#sentPosition;
  }

  /** The position before which the peer has taken everything. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** The position behind all that was written. */
  get writtenPosition(): number {
    return this.#sentPosition + this.#waitingWeight;
  }

  /** The position behind all that was sent and need not be sent again. */
  get leftPosition(): number {
    const again = this.#sent[this.#resendFrom];
    return again === undefined ? this.#sentPosition : again.end - again.weight;
  }

  /** The position in the lane of messages that has to leave before what is next here. */
  get follows(): number {
    const next = this.#sent[this.#resendFrom] ?? this.#next();
    return next === undefined ? this.#openFollows : next.follows;
  }

  /** What is next is one of the frames of a large body. */
  get isWithinBody(): boolean {
    const next = this.#sent[this.#resendFrom] ?? this.#next();
    const body = next !== undefined && "weight" in next ? next.body : next;
    return body !== undefined && body.frames.length > 1;
  }

  /** Everything was sent, on this connection too. Not all of it may be acknowledged. */
  get allSent(): boolean {
    return this.#waitingWeight === 0 && this.#resendFrom === this.#sent.length;
  }

  get slab(): Uint8Array {
    return this.#slab;
  }

  /**
   * What is written from now on leaves after that position in the lane of messages. `waits`: that position has not left yet,
   * and what was written before must not wait for it.
   */
  follow(position: number, waits: boolean): void {
    if (waits && position !== this.#openFollows) this.#closeRun();
    this.#openFollows = position;
  }

  /**
   * Room for a frame of `count` bytes behind those before it: in `slab`, from the offset that is returned. Nothing is
   * reserved: the caller writes the frame there, and then calls {@link commit}.
   */
  roomFor(count: number): number {
    if (this.#slab.length - this.#slabUsed < count) this.#renewSlab(count);
    return this.#slabUsed;
  }

  /** The frame of `count` bytes that was written where there was room for it is to be sent. */
  commit(count: number): void {
    this.#slabUsed += count;
    this.#openWeight += count + frameOverheadBytes;
    this.#waitingWeight += count + frameOverheadBytes;
  }

  /** A body as its frames, each of which leaves by itself. The lane keeps them; each has a slab of the pool to itself. */
  pushBody(frames: readonly Uint8Array[]): void {
    for (const frame of frames) this.#waitingWeight += frame.length + frameOverheadBytes;
    const keepsItsPlace = this.#ordered || frames.length === 1;
    if (keepsItsPlace) this.#closeRun();
    (keepsItsPlace ? this.#waiting : this.#interleaved).push({
      frames,
      follows: this.#openFollows,
      next: 0,
      isLost: false,
    });
  }

  /** How many bytes {@link take} has to give; 0 while there are none or the window is full. */
  get nextBytes(): number {
    const again = this.#sent[this.#resendFrom];
    if (again !== undefined) return again.frames.length;
    if (this.#waitingWeight === 0 || this.#sentPosition - this.#acknowledged >= this.window) return 0;
    const next = this.#next();
    if (next === undefined) return this.#slabUsed - this.#openStart;
    return "weight" in next ? next.frames.length : (next.frames[next.next] as Uint8Array).length;
  }

  /** The next run of whole frames. The caller has seen by {@link nextBytes} that there is one. */
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

  /** Whether a frame ends there. The position was sent, and lies behind the acknowledged one. */
  endsFrame(position: number): boolean {
    const run = this.#sent.find(({ end }) => end >= position) as Run;
    if (run.end === position) return true;
    // Each frame is passed once, however many acknowledgements its run gets.
    if (this.#place?.run !== run) this.#place = { run, offset: 0, position: run.end - run.weight };
    const place = this.#place;
    while (place.position < position) {
      const frameBytes = frameHeaderBytes + readBodyBytes(run.frames, place.offset);
      place.offset += frameBytes;
      place.position += frameBytes + frameOverheadBytes;
    }
    return place.position === position;
  }

  /** The peer has taken everything before `position`, which the caller has checked against the lane's. */
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
   * Gives the memory of what is acknowledged to the pool. The caller knows that the transport has let go of everything
   * that it took. That the peer has acknowledged it proves nothing: a peer can do so before it reads.
   */
  recycle(): void {
    while (this.#retired.length > 0) giveSlab(this.#retired.pop() as Uint8Array);
  }

  /**
   * The transport that had what was taken has ended, and may not have let go of it. Its memory is left to the garbage
   * collector, which sees who still has it; what is taken from now on can be recycled again.
   */
  loseTaken(): void {
    this.#retired.length = 0;
    for (const { body } of this.#sent) if (body !== undefined) body.isLost = true;
    for (const waiting of [...this.#waiting, ...this.#interleaved]) {
      if ("next" in waiting && waiting.next > 0) waiting.isLost = true;
    }
  }

  /** Whether a frame that may have to be sent again begins at that position, or none is behind it. */
  canRewind(position: number): boolean {
    return this.#runsBehind(position) !== undefined;
  }

  /** Goes back to the position up to which the peer has received. The caller has seen that this can be done. */
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

  /** With the last run of a body, nobody asks for its frames any more. */
  #retire({ frames, body }: Run): void {
    if (body === undefined || frames !== body.frames.at(-1) || body.isLost) return;
    this.#retired.push(...body.frames);
  }

  /** What of `#sent` lies behind the position; `undefined` if no frame that may have to be sent again begins there. */
  #runsBehind(position: number): RunsBehind | undefined {
    if (position < this.#acknowledged || position > this.#sentPosition) return undefined;
    const index = this.#sent.findIndex(({ end }) => end > position);
    if (index < 0) return { index: this.#sent.length };
    const run = this.#sent[index] as Run;
    if (run.end - run.weight === position) return { index };
    const runs = splitRun(run, position);
    return runs && { index, runs };
  }

  /** What is next to be sent for the first time; `undefined` for the open run. */
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
    const weight = frames.length + frameOverheadBytes;
    return { frames, weight, body: next, follows: next.follows, end: 0 };
  }

  #requeue(body: OutgoingBody, interleaved: boolean): void {
    if (!interleaved) this.#waiting.unshift(body);
    else this.#interleaved.splice(maxBodiesUnderWay - 1, 0, body);
  }

  #closeRun(): void {
    if (this.#slabUsed > this.#openStart) this.#waiting.push(this.#cutRun());
  }

  /** The open run, of which there is something. */
  #cutRun(): Run {
    const frames = this.#slab.subarray(this.#openStart, this.#slabUsed);
    const run = { frames, weight: this.#openWeight, body: undefined, follows: this.#openFollows, end: 0 };
    this.#openStart = this.#slabUsed;
    this.#openWeight = 0;
    return run;
  }

  #renewSlab(count: number): void {
    this.#closeRun();
    // The busier the lane, the larger the slab; a quiet one holds little.
    const wanted = Math.max(count, smallestSlabBytes, this.#slab.length * 2);
    this.#slab = new Uint8Array(Math.min(wanted, maxSlabBytes));
    this.#slabUsed = 0;
    this.#openStart = 0;
  }
}

/** The frames of a run before and behind a position within it; `undefined` if that lies within a frame. */
function splitRun(run: Run, position: number): [Run, Run] | undefined {
  const { frames, weight, body, follows, end } = run;
  const start = end - weight;
  let offset = 0;
  let reached = start;
  while (reached < position) {
    const frameBytes = frameHeaderBytes + readBodyBytes(frames, offset);
    offset += frameBytes;
    reached += frameBytes + frameOverheadBytes;
  }
  if (reached !== position) return undefined;
  return [
    { frames: frames.subarray(0, offset), weight: position - start, body, follows, end: position },
    { frames: frames.subarray(offset), weight: end - position, body, follows, end },
  ];
}
