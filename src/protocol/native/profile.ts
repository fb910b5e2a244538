import { PeerError } from "../../errors.ts";
import type { Close, CloseStart } from "../close.ts";
import { connectionLost } from "../engine-errors.ts";
import { type Received, release } from "../memory.ts";
import { joinParts } from "../parts.ts";
import type { Profile, ProfileEvent } from "../profile.ts";
import type { ReceiveBuffer } from "../receive-buffer.ts";
import { NativeClose } from "./close.ts";
import { Keepalive, type KeepaliveLimits } from "./keepalive.ts";
import { Acknowledger } from "./lanes/acknowledger.ts";
import { BodyDeadlines } from "./lanes/body-deadlines.ts";
import type { SendLane } from "./lanes/send-lane.ts";
import { Pings } from "./pings.ts";
import type { NativeSession } from "./session.ts";
import {
  encodeFrame,
  frameHeaderBytes,
  frameKinds,
  invalidFrame,
  maxRecordBytes,
  readBodyBytes,
} from "./wire/frame.ts";
import { decodePositions, positionBytes } from "./wire/positions.ts";
import type { RecordReader, RecordWriter } from "./wire/record.ts";

export interface NativeProfileOptions {
  readonly session: NativeSession;
  readonly reader: RecordReader;
  readonly writer: RecordWriter;
  readonly encrypted: boolean;
  readonly keepalive: KeepaliveLimits;
  /** Time for each tenth of a large body. */
  readonly frameTimeoutMs: number;
  readonly clock: { now(): number };
}

/** Records are gathered in one write up to this size. */
const maxWriteBytes = 2 * maxRecordBytes;
/**
 * Frames with a total of up to this many bytes are joined before they are sealed: a call for each would cost more.
 */
const joinedBytes = 4_096;
/** So are frames of up to this many bytes on average. */
const joinedFrameBytes = 512;
const nothing = new Uint8Array(0);
const noRecord: Received = { bytes: nothing, owned: false };
const nothingToWrite: Uint8Array[] = [];

/** A session on one connection: its records, and the frames that concern the connection itself. */
export class NativeProfile implements Profile {
  readonly name = "native";
  readonly answersClose = true;
  readonly needsPausing = false;
  readonly isSpent = false;
  readonly encrypted: boolean;
  readonly session: NativeSession;
  readonly #reader: RecordReader;
  readonly #writer: RecordWriter;
  readonly #clock: { now(): number };
  readonly #keepalive: Keepalive;
  readonly #acknowledger: Acknowledger;
  readonly #bodyDeadlines: BodyDeadlines;
  readonly #pings = new Pings();
  /** The record that is being read, and the offset in it. */
  #record: Received = noRecord;
  #offset = 0;
  /** The index of the lane that comes first in the next record. */
  #firstLane = 0;
  /** `closing`: nothing more is sent after what is queued; `closed`: the peer has closed, or both ends have. */
  #phase: "open" | "closing" | "closed" = "open";
  #closeSent = false;
  /** The last write, which belongs to the transport until it is returned; and the next, if it is prepared. */
  #leaving = nothingToWrite;
  #prepared: Uint8Array[] | undefined;

  constructor(options: NativeProfileOptions) {
    const { session, clock } = options;
    this.session = session;
    this.encrypted = options.encrypted;
    this.#reader = options.reader;
    this.#writer = options.writer;
    this.#clock = clock;
    this.#keepalive = new Keepalive(options.keepalive, clock.now());
    this.#acknowledger = new Acknowledger(session.incoming);
    this.#bodyDeadlines = new BodyDeadlines(session.incoming, options.frameTimeoutMs);
  }

  get unsentBytes(): number {
    return this.#closeSent ? 0 : this.session.outgoing.unsentBytes;
  }

  get outputEnded(): boolean {
    return this.#closeSent;
  }

  heard(): void {
    this.#keepalive.heard(this.#clock.now());
  }

  receive(input: ReceiveBuffer): ProfileEvent | undefined {
    for (;;) {
      while (this.#offset < this.#record.bytes.length) {
        const event = this.#receiveFrame();
        if (event !== undefined) return event;
      }
      const record = this.#reader.read(input);
      if (record === undefined) break;
      this.#record = record;
      this.#offset = 0;
    }
    this.#record = noRecord;
    this.#offset = 0;
    this.#noticeConsumed();
    this.#noticeBodies();
    return undefined;
  }

  close(start: CloseStart): Close {
    if (this.#phase === "open") this.#phase = "closing";
    // What still arrives is dropped, and the close has a timeout of its own.
    this.#bodyDeadlines.clear();
    return new NativeClose(start);
  }

  /** No loss if the peer has closed, or if this end has and the peer has acknowledged everything. */
  lossAtEnd(closing: boolean, cause: Error | undefined): PeerError | undefined {
    const isDone = closing && this.session.queuedBytes === 0 && this.#closeSent;
    return isDone ? undefined : connectionLost("without a close", cause);
  }

  finish(orderly: boolean, lost = false): void {
    this.#phase = "closed";
    this.#reader.wipe();
    // A peer that ended without a close gets none from this end either: it may come back, and must not find its
    // session closed.
    if (!orderly || lost) {
      this.#closeSent = true;
      this.#prepared = undefined;
    }
    if (this.#closeSent) this.#writer.wipe();
  }

  takeOutput(): Uint8Array[] {
    if (this.#leaving === nothingToWrite) this.session.outgoing.recycle();
    this.#noticeConsumed();
    if (this.#bodyDeadlines.isHeld) this.#bodyDeadlines.notice(this.#clock.now());
    const output = this.#prepared ?? this.#composeOutput();
    this.#prepared = undefined;
    if (output.length > 0) this.#leaving = output;
    return output;
  }

  returnOutput(): void {
    this.session.outgoing.recycle();
    // Sealed parts belong to nobody else; plain ones belong to the lanes.
    if (this.encrypted) for (const part of this.#leaving) release(part);
    this.#leaving = nothingToWrite;
  }

  prepareOutput(): void {
    const { unsentBytes } = this.session.outgoing;
    // On a plain connection there is nothing to do that takes time, and prepared parts must not be recycled.
    if (!this.encrypted || this.#phase !== "open" || unsentBytes < maxWriteBytes) return;
    this.#prepared ??= this.#composeOutput();
  }

  #composeOutput(): Uint8Array[] {
    if (!this.#hasOutput) return nothingToWrite;
    const output: Uint8Array[] = [];
    let bytes = 0;
    do {
      const frames = this.#composeRecord();
      if (frames.length === 0) break;
      const record = this.#writer.write(frames);
      for (const part of record) {
        output.push(part);
        bytes += part.length;
      }
    } while (bytes < maxWriteBytes && this.#hasOutput);
    // Nothing follows a close.
    if (this.#closeSent) this.#writer.wipe();
    return output;
  }

  nextTimeout(): number {
    return Math.min(
      this.#keepalive.nextTimeout(),
      this.#acknowledger.nextTimeout ?? Number.POSITIVE_INFINITY,
      this.#bodyDeadlines.nextTimeout,
    );
  }

  handleTimeout(now: number): void {
    this.#acknowledger.handleTimeout(now);
    this.#bodyDeadlines.handleTimeout(now);
    switch (this.#keepalive.handleTimeout(now)) {
      case "ping":
        this.#pings.ping(now);
        return;
      case "dead":
        throw new PeerError(
          "ERR_KEEPALIVE_TIMEOUT",
          "the peer did not answer a ping: it hangs, or is stopped",
        );
    }
  }

  #noticeConsumed(): void {
    // The clock is read only if it matters: this is called for each chunk and each write.
    if (this.#acknowledger.nextTimeout === undefined) this.#acknowledger.notice(this.#clock.now());
  }

  #noticeBodies(): void {
    if (this.#phase !== "open") return;
    // Without a body the clock does not matter.
    const isUnderWay = this.session.incoming.bodiesUnderWay > 0;
    if (isUnderWay || this.#bodyDeadlines.isWaiting) this.#bodyDeadlines.notice(this.#clock.now());
  }

  /** False if {@link takeOutput} is known to have nothing; it is called often. */
  get #hasOutput(): boolean {
    if (this.#phase !== "open" || this.session.wantsAcknowledgement || this.#pings.areWaiting) return true;
    return !this.session.outgoing.allSent || this.#acknowledger.isDue;
  }

  #receiveFrame(): ProfileEvent | undefined {
    const record = this.#record.bytes;
    const start = this.#offset;
    const end = start + frameHeaderBytes + readBodyBytes(record, start);
    // `NaN` is not within the record either.
    if (!(end <= record.length)) throw invalidFrame("a frame that ends outside its record");
    this.#offset = end;
    const kind = record[start] as number;
    if (kind < frameKinds.message)
      return this.#receiveControl(kind, record.subarray(start + frameHeaderBytes, end));
    return this.session.incoming.receive(this.#record, start, end);
  }

  #receiveControl(kind: number, body: Uint8Array): ProfileEvent | undefined {
    switch (kind) {
      case frameKinds.acknowledge:
        this.#acknowledged(body);
        return undefined;
      case frameKinds["acknowledge-soon"]:
        this.#acknowledger.ask();
        return undefined;
      case frameKinds.ping:
        this.#pings.receivePing(body);
        return undefined;
      case frameKinds.pong:
        this.#receivePong(body);
        return undefined;
      case frameKinds.close:
        return { kind: "peer-closed" };
      default:
        throw invalidFrame(`a frame of kind ${kind} where it may not be`);
    }
  }

  #acknowledged(body: Uint8Array): void {
    const lanes = this.session.hasStreams ? 4 : 3;
    if (body.length < positionBytes * lanes) throw invalidFrame("an acknowledgement that is too short");
    this.session.outgoing.acknowledge(decodePositions(body, lanes));
  }

  #receivePong(body: Uint8Array): void {
    const roundTripMs = this.#pings.receivePong(body, this.#clock.now());
    if (roundTripMs !== undefined) this.session.roundTripMs = roundTripMs;
  }

  /** The frames of the next record, or none if there is nothing to send yet. */
  #composeRecord(): Uint8Array[] {
    if (this.#closeSent) return [];
    if (this.#phase === "closed") return this.#composeClose([]);
    const frames: Uint8Array[] = [];
    if (this.#pings.areWaiting) frames.push(...this.#pings.takeFrames());
    const bytes = this.#addLanes(frames, maxRecordBytes - 1_024);
    const { outgoing } = this.session;
    if (this.session.wantsAcknowledgement && outgoing.allSent) {
      this.session.askedForAcknowledgement();
      frames.push(encodeFrame(frameKinds["acknowledge-soon"], nothing));
    }
    if (frames.length > 0 ? this.#acknowledger.isNotable : this.#acknowledger.isDue) {
      const acknowledgement = this.#acknowledger.takeFrame();
      if (acknowledgement !== undefined) frames.push(acknowledgement);
    }
    if (this.#phase === "closing" && outgoing.allSent) return this.#composeClose(frames);
    const isJoined = frames.length > 1 && bytes < Math.max(joinedBytes, frames.length * joinedFrameBytes);
    return isJoined ? [joinParts(frames)] : frames;
  }

  #composeClose(frames: Uint8Array[]): Uint8Array[] {
    this.#closeSent = true;
    const acknowledgement = this.#acknowledger.takeFrame();
    if (acknowledgement !== undefined) frames.push(acknowledgement);
    frames.push(encodeFrame(frameKinds.close, nothing));
    return [joinParts(frames)];
  }

  /**
   * Adds runs of the lanes' frames, as many as fit. A lane whose turn has come, but which had to wait for others,
   * comes first in the next record.
   */
  #addLanes(frames: Uint8Array[], roomBytes: number): number {
    const { outgoing } = this.session;
    const { lanes } = outgoing;
    let room = roomBytes;
    let first: number | undefined;
    for (let index = 0; index < lanes.length; index++) {
      const number = (this.#firstLane + index) % lanes.length;
      const lane = lanes[number] as SendLane;
      const roomBefore = room;
      let next = lane.nextBytes;
      for (; next > 0 && !outgoing.isAhead(lane); next = lane.nextBytes) {
        if (next > room) {
          if (room === roomBefore) first ??= number;
          break;
        }
        frames.push(lane.take());
        room -= next;
      }
    }
    this.#firstLane = first ?? 0;
    return roomBytes - room;
  }
}
