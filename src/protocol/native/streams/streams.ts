import { PeerError } from "../../../errors.ts";
import { checkMessage, checkPeerTakes } from "../../message.ts";
import type { Failure, SessionStreams, TraceContext } from "../../session.ts";
import type { SendLane } from "../lanes/send-lane.ts";
import { invalidFrame } from "../wire/frame.ts";
import { Stream } from "./stream.ts";
import { StreamFrames } from "./stream-frames.ts";
import { isAfter, isIdOf, OwnStreamIds, type Side } from "./stream-ids.ts";

/** What an end takes of streams. */
export interface StreamLimits {
  /** Most that the peer may have open of those that it opened. */
  readonly maxConcurrent: number;
  /** Most that each direction of a stream may hold that is not consumed. */
  readonly window: number;
}

export interface StreamsOptions {
  readonly side: Side;
  readonly own: StreamLimits;
  readonly maxMessageBytes: number;
  /** Whether both ends have the feature context. */
  readonly sendsContext?: boolean;
}

/** How much of its causing may wait for a peer's acknowledgement. Source: spec/protocol.md, "Streams". */
const maxRepliesBytes = 1_048_576;

/** How much of a window is consumed before the peer is told. */
const creditShare = 2;

/**
 * The streams of a session that are not over: what this end may send in each, and what the peer may.
 *
 * Source: spec/protocol.md, "Streams".
 */
export class Streams implements SessionStreams {
  readonly #options: StreamsOptions;
  readonly #frames: StreamFrames;
  readonly #lane: SendLane;
  readonly #streams = new Map<number, Stream>();
  #peer: StreamLimits & { readonly maxMessageBytes: number };
  readonly #ids: OwnStreamIds;
  #lastPeersId = 0;
  #ownOpen = 0;
  #waitingBytes = 0;
  /** The weight of what the peer has caused this end to write since the lane was at that position. */
  #repliesBytes = 0;
  #repliesFrom = 0;
  #unconsumedBytes = 0;

  constructor(options: StreamsOptions, lane: SendLane) {
    this.#options = options;
    this.#ids = new OwnStreamIds(options.side);
    this.#frames = new StreamFrames(lane);
    this.#lane = lane;
    this.#peer = { maxConcurrent: 0, window: 0, maxMessageBytes: options.maxMessageBytes };
  }

  get queuedBytes(): number {
    return this.#lane.queuedBytes;
  }

  /** Bytes of items that wait for credit. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Bytes of items that the application has not consumed. */
  get unconsumedBytes(): number {
    return this.#unconsumedBytes;
  }

  get canOpen(): boolean {
    return this.#ownOpen < this.#peer.maxConcurrent;
  }

  /** What the peer takes, by its hello. */
  attach(peer: StreamLimits & { readonly maxMessageBytes: number }): void {
    this.#peer = peer;
  }

  open(type: number, data: Uint8Array, context?: TraceContext): number {
    checkMessage(type, data.length, this.#options.maxMessageBytes);
    checkPeerTakes(data.length, this.#peer.maxMessageBytes);
    if (!this.canOpen) {
      throw new PeerError(
        "ERR_TOO_MANY_STREAMS",
        `the peer takes ${this.#peer.maxConcurrent} streams at a time, and as many are open`,
      );
    }
    const id = this.#ids.next((used) => this.#streams.has(used));
    this.#ownOpen += 1;
    this.#streams.set(id, new Stream(id, true));
    this.#frames.open(id, { type, data, context: this.#options.sendsContext ? context : undefined });
    return id;
  }

  write(id: number, data: Uint8Array): boolean {
    checkMessage(1, data.length, this.#options.maxMessageBytes);
    checkPeerTakes(data.length, this.#peer.maxMessageBytes);
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.isEnding) return true;
    if (this.#hasCredit(stream)) {
      stream.sent += this.#frames.item(id, data);
    } else {
      stream.waiting.push(data.slice());
      this.#waitingBytes += data.length;
    }
    stream.isHeld = !this.#hasCredit(stream);
    return !stream.isHeld;
  }

  end(id: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.isEnding) return;
    stream.isEnding = true;
    if (stream.waiting.length === 0) this.#endNow(stream);
  }

  reset(id: number, { code, message }: Failure): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#over(stream);
    const from = this.#lane.writtenPosition;
    this.#frames.reset(id, { code, message });
    if (!stream.isOwn) this.#replied(from);
  }

  stopSending(id: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.isStopped || stream.peerHasEnded) return;
    stream.isStopped = true;
    this.#frames.stopSending(id);
  }

  consumed(id: number, weight: number): boolean {
    const stream = this.#streams.get(id);
    if (stream === undefined) return false;
    stream.consumed += weight;
    this.#unconsumedBytes -= weight;
    if (stream.peerHasEnded || stream.isStopped) return false;
    if (stream.consumed - stream.credited < this.#options.own.window / creditShare) return false;
    stream.credited = stream.consumed;
    const from = this.#lane.writtenPosition;
    this.#frames.credit(id, stream.consumed);
    this.#replied(from);
    return true;
  }

  /** Gives all of them up: the session is over. */
  abandon(): void {
    this.#streams.clear();
    this.#ownOpen = 0;
    this.#waitingBytes = 0;
    this.#unconsumedBytes = 0;
  }

  // What the peer's frames do. Each throws PeerError `ERR_FRAME_INVALID`.

  /** The first frame of an opening has arrived. */
  beginOpening(id: number): void {
    const { side, own } = this.#options;
    const isPeers = isIdOf(side === "client" ? "server" : "client", id);
    if (!isPeers || !isAfter(id, this.#lastPeersId) || this.#streams.has(id)) {
      throw invalidFrame(`the opening of a stream with the id ${id}, which is not its to give`);
    }
    if (this.#streams.size - this.#ownOpen >= own.maxConcurrent) {
      throw invalidFrame(`the opening of more than ${own.maxConcurrent} streams`);
    }
    this.#checkReplies();
    this.#lastPeersId = id;
    this.#streams.set(id, new Stream(id, false));
  }

  /** Whether the stream that was opened by a large body is not over by the end of that. */
  has(id: number): boolean {
    return this.#streams.has(id);
  }

  /** An item begins. @throws PeerError `ERR_WINDOW_EXCEEDED` too */
  beginItem(id: number): void {
    const stream = this.#find(id);
    if (stream === undefined) return;
    if (stream.peerHasEnded) throw invalidFrame("an item after the end of its stream");
    this.#checkReplies();
    const { window } = this.#options.own;
    if (stream.received - stream.credited >= window) {
      throw new PeerError(
        "ERR_WINDOW_EXCEEDED",
        `the peer sent an item in a stream whose window of ${window} bytes is full`,
      );
    }
  }

  /** Frames of an item have arrived, of that weight. */
  receive(id: number, weight: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.received += weight;
    if (!stream.isStopped) this.#unconsumedBytes += weight;
    else stream.consumed += weight;
  }

  /** Whether the application is to be given an item that is whole. */
  takesItem(id: number): boolean {
    return this.#streams.get(id)?.isStopped === false;
  }

  /** Whether the stream was not over before. */
  peerEnds(id: number): boolean {
    const stream = this.#find(id);
    if (stream === undefined) return false;
    if (stream.peerHasEnded) throw invalidFrame("a second end of a stream");
    stream.peerHasEnded = true;
    if (stream.isOver) this.#over(stream);
    return true;
  }

  /** Whether the stream was not over before. */
  peerResets(id: number): boolean {
    const stream = this.#find(id);
    if (stream !== undefined) this.#over(stream);
    return stream !== undefined;
  }

  /** The peer wants no more items. Whether that is news. */
  peerStops(id: number): boolean {
    const stream = this.#find(id);
    if (stream === undefined || stream.hasEnded) return false;
    stream.isEnding = true;
    this.#dropWaiting(stream);
    this.#endNow(stream);
    return true;
  }

  /** The peer has consumed so much. Whether a writer may go on. */
  peerConsumes(id: number, consumed: number): boolean {
    const stream = this.#find(id);
    if (stream === undefined) return false;
    if (consumed < stream.peerConsumed || consumed > stream.sent) {
      throw invalidFrame("credit for what was not sent, or before an earlier one");
    }
    stream.peerConsumed = consumed;
    this.#sendWaiting(stream);
    if (!stream.isHeld || !this.#hasCredit(stream)) return false;
    stream.isHeld = false;
    return true;
  }

  /** What was written from that position on is of the peer's causing. */
  #replied(from: number): void {
    if (this.#lane.acknowledged > this.#repliesFrom) {
      this.#repliesBytes = 0;
      this.#repliesFrom = from;
    }
    this.#repliesBytes += this.#lane.writtenPosition - from;
  }

  /** @throws PeerError `ERR_WINDOW_EXCEEDED` if the peer has this end write, and acknowledges nothing. */
  #checkReplies(): void {
    if (this.#repliesBytes < maxRepliesBytes || this.#lane.acknowledged > this.#repliesFrom) return;
    throw new PeerError(
      "ERR_WINDOW_EXCEEDED",
      `the peer has caused ${this.#repliesBytes} bytes of resets and credit, and acknowledges nothing`,
    );
  }

  /** `undefined` if it is over. */
  #find(id: number): Stream | undefined {
    const stream = this.#streams.get(id);
    if (stream !== undefined) return stream;
    const last = isIdOf(this.#options.side, id) ? this.#ids.last : this.#lastPeersId;
    if (id === 0 || isAfter(id, last)) throw invalidFrame(`a frame of the stream ${id}, which is not open`);
    return undefined;
  }

  #hasCredit({ sent, peerConsumed }: Stream): boolean {
    return sent - peerConsumed < this.#peer.window;
  }

  #sendWaiting(stream: Stream): void {
    let count = 0;
    for (const data of stream.waiting) {
      if (!this.#hasCredit(stream)) break;
      stream.sent += this.#frames.item(stream.id, data);
      this.#waitingBytes -= data.length;
      count += 1;
    }
    if (count === 0) return;
    stream.waiting.splice(0, count);
    if (stream.isEnding && stream.waiting.length === 0) this.#endNow(stream);
  }

  #dropWaiting(stream: Stream): void {
    for (const { length } of stream.waiting.splice(0)) this.#waitingBytes -= length;
  }

  #endNow(stream: Stream): void {
    stream.hasEnded = true;
    this.#frames.end(stream.id);
    if (stream.isOver) this.#over(stream);
  }

  #over(stream: Stream): void {
    this.#dropWaiting(stream);
    this.#unconsumedBytes -= stream.received - stream.consumed;
    this.#streams.delete(stream.id);
    if (stream.isOwn) this.#ownOpen -= 1;
  }
}
