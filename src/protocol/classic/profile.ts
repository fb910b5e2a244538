import { CallerError, PeerError } from "../../errors.ts";
import type { Close, CloseStart } from "../close.ts";
import { DataMemory } from "../data-memory.ts";
import { connectionLost } from "../engine-errors.ts";
import { encodeUint32, readUint32, writeUint32 } from "../integers.ts";
import { type FrameBounds, lengthBytes, readFrame } from "../length-prefix.ts";
import { type Received, release } from "../memory.ts";
import { checkMessage, checkPeerTakes, reservedType } from "../message.ts";
import type { Profile, ProfileEvent } from "../profile.ts";
import type { ReceiveBuffer } from "../receive-buffer.ts";
import { batchBytes, SendBuffer } from "../send-buffer.ts";
import type { Leftovers, Session } from "../session.ts";
import { ClassicClose } from "./close.ts";
import { type RecordProtection, sealedOverheadBytes } from "./record.ts";

/** The type before each message's data: big-endian, 4 bytes. */
const typeBytes = 4;

export interface ClassicProfileOptions {
  readonly maxMessageBytes: number;
  /** Largest `data` that the peer accepts, as far as known. */
  readonly peerMaxMessageBytes: number;
  /** Absent if the connection is plain. */
  readonly records: RecordProtection | undefined;
}

/** Classic cannot know what has arrived, so it has no leftovers. */
const nothingLeft: Leftovers = { unacknowledged: [], unsent: [], unsentRequests: [] };

/**
 * golang-ipc's messages: one frame each, sealed one by one if the connection is encrypted. The profile is its own
 * session, which ends with the connection and has only messages.
 */
export class ClassicProfile implements Profile, Session {
  readonly name = "classic";
  readonly needsPausing = true;
  readonly outputEnded = true;
  readonly answersClose = false;
  readonly isAcknowledged = false;
  readonly isResumable = false;
  readonly queuedRequestBytes = 0;
  readonly queuedAnswerBytes = 0;
  readonly encrypted: boolean;
  readonly #output = new SendBuffer();
  readonly #memory = new DataMemory();
  readonly #records: RecordProtection | undefined;
  readonly #bounds: FrameBounds;
  readonly #maxMessageBytes: number;
  readonly #peerMaxMessageBytes: number;
  #closed = false;

  constructor({ maxMessageBytes, peerMaxMessageBytes, records }: ClassicProfileOptions) {
    const overheadBytes = typeBytes + (records === undefined ? 0 : sealedOverheadBytes);
    this.encrypted = records !== undefined;
    this.#records = records;
    this.#maxMessageBytes = maxMessageBytes;
    this.#peerMaxMessageBytes = peerMaxMessageBytes;
    this.#bounds = {
      minBytes: overheadBytes,
      maxBytes: overheadBytes + maxMessageBytes,
      tooLarge: (payloadBytes) =>
        new PeerError(
          "ERR_PEER_MESSAGE_TOO_LARGE",
          `the peer announced a message of ${payloadBytes - overheadBytes} bytes, over maxMessageBytes (${maxMessageBytes})`,
        ),
    };
  }

  get session(): Session {
    return this;
  }

  get isSpent(): boolean {
    return this.#records?.isSpent === true;
  }

  get queuedBytes(): number {
    return this.#output.length;
  }

  get queuedMessageBytes(): number {
    return this.#output.length;
  }

  get unsentBytes(): number {
    return this.#output.length;
  }

  send(type: number, data: Uint8Array): void {
    checkMessage(type, data.length, this.#maxMessageBytes);
    checkPeerTakes(data.length, this.#peerMaxMessageBytes);
    if (this.#closed || this.isSpent) throw new CallerError("ERR_CLOSED", "the connection is closed");
    if (this.#records === undefined) encodePlain(type, data, this.#output);
    else encodeSealed(type, data, this.#output, this.#records);
  }

  /** @throws PeerError `ERR_PEER_NOT_NATIVE` */
  request(): never {
    throw new PeerError(
      "ERR_PEER_NOT_NATIVE",
      "the peer speaks golang-ipc's wire, which has messages and no requests",
    );
  }

  /** @throws PeerError `ERR_PEER_NOT_NATIVE` */
  admin(): never {
    throw new PeerError("ERR_PEER_NOT_NATIVE", "the peer speaks golang-ipc's wire, which has no requests");
  }

  get streams(): never {
    throw new PeerError("ERR_PEER_NOT_NATIVE", "the peer speaks golang-ipc's wire, which has no streams");
  }

  receive(input: ReceiveBuffer): ProfileEvent | undefined {
    for (;;) {
      this.#records?.lookAhead(input);
      const payload = readFrame(input, this.#bounds);
      if (payload === undefined) return undefined;
      const plaintext = this.#open(payload);
      const type = readUint32(plaintext.bytes, 0);
      if (type === reservedType) continue;
      return {
        kind: "message",
        type,
        data: this.#memory.own(plaintext, typeBytes, plaintext.bytes.length),
        position: 0,
      };
    }
  }

  #open(payload: Received): Received {
    if (this.#records === undefined) return payload;
    const plaintext = this.#records.open(payload.bytes);
    if (payload.owned) release(payload.bytes);
    return plaintext;
  }

  takeOutput(): Uint8Array[] {
    return this.#output.take();
  }

  returnOutput(): void {
    this.#output.returnTaken();
  }

  close(start: CloseStart): Close {
    this.#closed = true;
    return new ClassicClose(start);
  }

  lossAtEnd(_closing: boolean, cause: Error | undefined): PeerError | undefined {
    return cause === undefined ? undefined : connectionLost("", cause);
  }

  finish(orderly: boolean): void {
    this.#closed = true;
    this.#records?.wipe();
    if (!orderly) this.#output.clear();
  }

  nextTimeout(): number {
    return Number.POSITIVE_INFINITY;
  }

  abandon(): Leftovers {
    return nothingLeft;
  }

  // The classic wire has nothing for any of these.
  consumed(): void {}
  askForAcknowledgement(): void {}
  cancel(): void {}
  answer(): void {}
  fail(): void {}
  heard(): void {}
  handleTimeout(): void {}
  prepareOutput(): void {}
}

function encodePlain(type: number, data: Uint8Array, output: SendBuffer): void {
  const headBytes = lengthBytes + typeBytes;
  const frameBytes = headBytes + data.length;
  const fits = frameBytes <= batchBytes;
  const frame = fits ? output.roomFor(frameBytes) : new Uint8Array(frameBytes);
  writeUint32(frame, typeBytes + data.length, 0);
  writeUint32(frame, type, lengthBytes);
  frame.set(data, headBytes);
  if (fits) output.commit(frameBytes);
  else output.push([frame]);
}

function encodeSealed(type: number, data: Uint8Array, output: SendBuffer, records: RecordProtection): void {
  const payloadBytes = sealedOverheadBytes + typeBytes + data.length;
  if (lengthBytes + payloadBytes > batchBytes) {
    output.push([encodeUint32(payloadBytes), ...records.seal([encodeUint32(type), data])]);
    return;
  }
  const frame = output.roomFor(lengthBytes + payloadBytes);
  writeUint32(frame, payloadBytes, 0);
  records.sealInto(frame.subarray(lengthBytes), [encodeUint32(type), data]);
  output.commit(frame.length);
}
