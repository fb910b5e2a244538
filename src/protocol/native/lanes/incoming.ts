import { PeerError } from "../../../errors.ts";
import { DataMemory } from "../../data-memory.ts";
import { readUint32 } from "../../integers.ts";
import type { Received } from "../../memory.ts";
import { reservedType } from "../../message.ts";
import type { ProfileEvent } from "../../profile.ts";
import type { ConsumedLane, Failure } from "../../session.ts";
import { decodeUtf8 } from "../../utf8.ts";
import type { OwnRequestIds, PeerRequestIds } from "../requests/request-ids.ts";
import { isFailureCode } from "../wire/failure.ts";
import { frameHeaderBytes, frameKinds, invalidFrame } from "../wire/frame.ts";
import type { Positions, Windows } from "../wire/lanes.ts";
import { hasFeature } from "../wire/offers.ts";
import { IncomingBodies, type IncomingBody, type UnfinishedBody } from "./incoming-bodies.ts";
import { ReceiveLane } from "./receive-lane.ts";
import { maxBodiesUnderWay } from "./send-lane.ts";

/** What a peer's frames say to the application. */
export type IncomingEvent = Exclude<ProfileEvent, { kind: "peer-closed" }>;

const noId = 0;

/** Where in its record a frame's body lies. */
interface FrameBody {
  readonly record: Received;
  readonly start: number;
  readonly end: number;
}

export interface IncomingLimits {
  readonly maxMessageBytes: number;
  /** How much the peer may send in each lane before it is acknowledged. */
  readonly windows: Windows;
  /** Those of both ends, as bits. Default none. */
  readonly features?: number | undefined;
}

/** The ids of requests that are under way, by the end that asked. */
export interface RequestIds {
  readonly own: Pick<OwnRequestIds, "settle">;
  readonly peers: Pick<PeerRequestIds, "arrived" | "cancelled">;
}

/** What this end receives: the three lanes, and the frames in them. */
export class Incoming {
  readonly #maxMessageBytes: number;
  readonly #takesFailureData: boolean;
  readonly #ids: RequestIds;
  readonly #memory = new DataMemory();
  readonly #messages: ReceiveLane;
  readonly #requests: ReceiveLane;
  readonly #answers: ReceiveLane;
  readonly #lanes: readonly ReceiveLane[];
  readonly #messageBodies: IncomingBodies;
  readonly #requestBodies: IncomingBodies;
  readonly #answerBodies: IncomingBodies;

  constructor({ maxMessageBytes, windows, features }: IncomingLimits, ids: RequestIds) {
    this.#maxMessageBytes = maxMessageBytes;
    this.#takesFailureData = hasFeature(features, "failure-data");
    this.#ids = ids;
    this.#messages = new ReceiveLane(windows[0]);
    this.#requests = new ReceiveLane(windows[1]);
    this.#answers = new ReceiveLane(windows[2]);
    this.#lanes = [this.#messages, this.#requests, this.#answers];
    this.#messageBodies = new IncomingBodies({ maxMessageBytes, maxUnderWay: 1 });
    this.#requestBodies = new IncomingBodies({ maxMessageBytes, maxUnderWay: maxBodiesUnderWay });
    this.#answerBodies = new IncomingBodies({ maxMessageBytes, maxUnderWay: maxBodiesUnderWay });
  }

  /** How far each lane's frames have arrived. */
  get received(): Positions {
    return [this.#messages.received, this.#requests.received, this.#answers.received];
  }

  /** What is kept of bodies under way, and of requests that wait for a handler. Messages are the application's to count. */
  get keptBytes(): number {
    const bodies = this.#messageBodies.bytes + this.#requestBodies.bytes + this.#answerBodies.bytes;
    return bodies + this.#requests.unconsumedBytes;
  }

  /** The weight of all that is consumed. */
  get consumedBytes(): number {
    return this.#messages.consumed + this.#requests.consumed + this.#answers.consumed;
  }

  get bodiesUnderWay(): number {
    return this.#messageBodies.underWay + this.#requestBodies.underWay + this.#answerBodies.underWay;
  }

  /** The large bodies under way, and whether their lane's window keeps the peer from going on with them. */
  *unfinishedBodies(): Generator<{ readonly body: UnfinishedBody; readonly held: boolean }> {
    for (const [lane, bodies] of [
      [this.#messages, this.#messageBodies],
      [this.#requests, this.#requestBodies],
      [this.#answers, this.#answerBodies],
    ] as const) {
      for (const body of bodies.unfinished) yield { body, held: lane.isFull };
    }
  }

  get allConsumed(): boolean {
    return this.#messages.allConsumed && this.#requests.allConsumed && this.#answers.allConsumed;
  }

  get hasNews(): boolean {
    return this.#messages.hasNews || this.#requests.hasNews || this.#answers.hasNews;
  }

  get hasNotableNews(): boolean {
    return this.#messages.hasNotableNews || this.#requests.hasNotableNews || this.#answers.hasNotableNews;
  }

  get hasUrgentNews(): boolean {
    return this.#messages.hasUrgentNews || this.#requests.hasUrgentNews || this.#answers.hasUrgentNews;
  }

  /** The lane of what the application consumes. */
  lane(name: ConsumedLane): ReceiveLane {
    return name === "messages" ? this.#messages : this.#requests;
  }

  /** The positions to acknowledge to the peer. */
  acknowledge(): Positions {
    return [this.#messages.acknowledge(), this.#requests.acknowledge(), this.#answers.acknowledge()];
  }

  /** The connection was lost, and with it perhaps the last acknowledgement. */
  forgetAcknowledged(): void {
    for (const lane of this.#lanes) lane.forgetAcknowledged();
  }

  /**
   * A frame of one of the lanes, from `start` of `record`, whose body ends at `end`; an event where it completes one.
   * The event's data are the application's, see {@link DataMemory}.
   * @throws PeerError `ERR_FRAME_INVALID`, `ERR_PEER_MESSAGE_TOO_LARGE`, `ERR_WINDOW_EXCEEDED`.
   */
  receive(record: Received, start: number, end: number): IncomingEvent | undefined {
    const kind = record.bytes[start] as number;
    const bodyStart = start + frameHeaderBytes;
    if (kind === frameKinds.message) return this.#message(record, bodyStart, end);
    const lane = this.#laneOf(kind);
    if (end - bodyStart < fixedBytes(kind)) throw invalidFrame(`a frame of kind ${kind} that is too short`);
    lane.receive(end - start);
    return this.#other(kind, { record, start: bodyStart, end });
  }

  #message(record: Received, start: number, end: number): IncomingEvent {
    const dataBytes = end - start - 4;
    if (dataBytes < 0) throw invalidFrame("a message that is too short for its type");
    if (this.#messageBodies.underWay > 0) throw invalidFrame("a message within another");
    this.#messages.receive(end - start + frameHeaderBytes);
    this.#checkSize(dataBytes);
    const type = checkType(readUint32(record.bytes, start));
    const data = this.#memory.own(record, start + 4, end);
    return { kind: "message", type, data, position: this.#messages.hold() };
  }

  #laneOf(kind: number): ReceiveLane {
    switch (kind >> 4) {
      case 1:
        return this.#messages;
      case 2:
        return this.#requests;
      default:
        return this.#answers;
    }
  }

  #other(kind: number, { record, start, end }: FrameBody): IncomingEvent | undefined {
    const body = record.bytes.subarray(start, end);
    const data = (fixedBytes: number): Uint8Array => this.#memory.own(record, start + fixedBytes, end);
    const received = {
      bytes: body,
      owned: record.owned && start === frameHeaderBytes && end === record.bytes.length,
    };
    switch (kind) {
      case frameKinds["message-start"]:
        return this.#messageBodies.start(
          { id: noId, type: checkType(readUint32(body, 0)), totalBytes: readUint32(body, 4) },
          received,
          8,
        );
      case frameKinds["message-part"]:
        return this.#messageWhole(this.#messageBodies.part(noId, received, 0));
      case frameKinds.request:
        this.#checkSize(body.length - 8);
        return this.#request(readUint32(body, 0), readUint32(body, 4), data(8));
      case frameKinds["request-start"]:
        return this.#requestBodies.start(
          { id: readUint32(body, 0), type: checkType(readUint32(body, 4)), totalBytes: readUint32(body, 8) },
          received,
          12,
        );
      case frameKinds["request-part"]:
        return this.#requestWhole(this.#requestBodies.part(readUint32(body, 0), received, 4));
      case frameKinds.answer:
        this.#checkSize(body.length - 4);
        return this.#answer(readUint32(body, 0), data(4));
      case frameKinds["answer-start"]:
        return this.#answerBodies.start(
          { id: readUint32(body, 0), type: noId, totalBytes: readUint32(body, 4) },
          received,
          8,
        );
      case frameKinds["answer-part"]: {
        const whole = this.#answerBodies.part(readUint32(body, 0), received, 4);
        return whole && this.#answer(whole.id, whole.data);
      }
      case frameKinds.failure:
        return this.#failure(readUint32(body, 0), decodeFailure(body));
      case frameKinds["failure-with-data"]:
        return this.#failure(readUint32(body, 0), this.#failureWithData({ record, start, end }));
      default:
        return this.#cancel(readUint32(body, 0));
    }
  }

  #messageWhole(whole: IncomingBody | undefined): IncomingEvent | undefined {
    return whole && { kind: "message", type: whole.type, data: whole.data, position: this.#messages.hold() };
  }

  #requestWhole(whole: IncomingBody | undefined): IncomingEvent | undefined {
    return whole && this.#request(whole.id, whole.type, whole.data);
  }

  /** A request that was cancelled before it came is not held, and so counts as consumed. */
  #request(id: number, type: number, data: Uint8Array): IncomingEvent | undefined {
    checkType(type);
    if (!this.#ids.peers.arrived(id)) return undefined;
    return { kind: "request", id, type, data, position: this.#requests.hold() };
  }

  #cancel(id: number): IncomingEvent | undefined {
    return this.#ids.peers.cancelled(id) ? { kind: "cancel", id } : undefined;
  }

  #answer(id: number, data: Uint8Array): IncomingEvent | undefined {
    return this.#ids.own.settle(id) ? { kind: "answer", id, data } : undefined;
  }

  #failure(id: number, failure: Failure): IncomingEvent | undefined {
    return this.#ids.own.settle(id) ? { kind: "failure", id, ...failure } : undefined;
  }

  #failureWithData({ record, start, end }: FrameBody): Failure {
    if (!this.#takesFailureData) throw invalidFrame("data of a failure, which was not agreed on");
    const body = record.bytes.subarray(start, end);
    const codeEnd = 5 + (body[4] as number);
    const messageStart = codeEnd + 2;
    const messageEnd = messageStart + 256 * (body[codeEnd] ?? 0) + (body[codeEnd + 1] ?? 0);
    if (messageEnd > body.length) throw invalidFrame("a failure whose message is cut short");
    const failure = decodeFailure(body.subarray(0, codeEnd), body.subarray(messageStart, messageEnd));
    return { ...failure, data: this.#memory.own(record, start + messageEnd, end) };
  }

  #checkSize(dataBytes: number): void {
    if (dataBytes <= this.#maxMessageBytes) return;
    throw new PeerError(
      "ERR_PEER_MESSAGE_TOO_LARGE",
      `the peer sent a message of ${dataBytes} bytes, over maxMessageBytes (${this.#maxMessageBytes})`,
    );
  }
}

/** The bytes of a kind's fixed fields. @throws PeerError `ERR_FRAME_INVALID` where there is no such kind in a lane. */
function fixedBytes(kind: number): number {
  switch (kind) {
    case frameKinds["message-part"]:
      return 0;
    case frameKinds.answer:
    case frameKinds["request-part"]:
    case frameKinds["answer-part"]:
    case frameKinds.cancel:
      return 4;
    case frameKinds.failure:
      return 6;
    case frameKinds.request:
    case frameKinds["message-start"]:
    case frameKinds["answer-start"]:
    case frameKinds["failure-with-data"]:
      return 8;
    case frameKinds["request-start"]:
      return 12;
    default:
      throw invalidFrame(`a frame of the unknown kind ${kind}`);
  }
}

function checkType(type: number): number {
  if (type === reservedType) throw invalidFrame("a message of type 0");
  return type;
}

/** `message`: the bytes after the code, unless it is given. */
function decodeFailure(body: Uint8Array, message?: Uint8Array): Failure {
  const codeEnd = 5 + (body[4] as number);
  const code = decodeUtf8(body.subarray(5, codeEnd)).text;
  if (codeEnd > body.length || !isFailureCode(code)) throw invalidFrame("a failure without a code");
  return { code, message: decodeUtf8(message ?? body.subarray(codeEnd)).text };
}
