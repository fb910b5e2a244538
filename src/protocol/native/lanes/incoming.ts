import { DataMemory } from "../../data-memory.ts";
import { readUint32 } from "../../integers.ts";
import type { Received } from "../../memory.ts";
import type { ProfileEvent } from "../../profile.ts";
import type { ConsumedLane, Failure, RequestContent } from "../../session.ts";
import type { OwnRequestIds, PeerRequestIds } from "../requests/request-ids.ts";
import { maxAdminBytes } from "../wire/admin.ts";
import { decodeFailure, decodeFailureWithData } from "../wire/failure.ts";
import { checkFrameType, fixedBytes, frameHeaderBytes, frameKinds, invalidFrame } from "../wire/frame.ts";
import type { Positions, Windows } from "../wire/lanes.ts";
import { hasFeature } from "../wire/offers.ts";
import { ContextAhead } from "./context-ahead.ts";
import {
  bodyOf,
  checkBodySize,
  type FrameBody,
  IncomingBodies,
  type IncomingBody,
  type UnfinishedBody,
} from "./incoming-bodies.ts";
import { ReceiveLane } from "./receive-lane.ts";
import { maxBodiesUnderWay } from "./send-lane.ts";

/** The events of a peer's frames for the application. */
export type IncomingEvent = Exclude<ProfileEvent, { kind: "peer-closed" }>;

const noId = 0;

export interface IncomingLimits {
  readonly maxMessageBytes: number;
  /** How much the peer may send in each lane without an acknowledgement. */
  readonly windows: Windows;
  /** The features of both ends, as bits. Default: none. */
  readonly features?: number | undefined;
  /** Server: whether both ends have the feature admin. Default `false`: requests to the library are invalid. */
  readonly takesAdmin?: boolean | undefined;
}

/** The ids of requests that are under way, by the end that sent them. */
export interface RequestIds {
  readonly own: Pick<OwnRequestIds, "settle">;
  readonly peers: Pick<PeerRequestIds, "arrived" | "cancelled">;
}

/** What reads the frames of streams, each of which is as long as its kind needs. */
export interface StreamFramesReader {
  readonly bodies: IncomingBodies;
  /** One for all frames: records hold frames of all lanes. */
  readonly memory: DataMemory;
  receive(kind: number, frame: FrameBody): IncomingEvent | undefined;
}

/** The receiving half of a session: the lanes, and the frames in them. */
export class Incoming {
  readonly #maxMessageBytes: number;
  readonly #takesFailureData: boolean;
  readonly #takesAdmin: boolean;
  readonly #ids: RequestIds;
  readonly #memory: DataMemory;
  readonly #messages: ReceiveLane;
  readonly #requests: ReceiveLane;
  readonly #answers: ReceiveLane;
  /** Consumed on arrival, so it never holds up anything. */
  readonly #streamLane: ReceiveLane;
  readonly #lanes: readonly ReceiveLane[];
  readonly #messageBodies: IncomingBodies;
  readonly #requestBodies: IncomingBodies;
  readonly #answerBodies: IncomingBodies;
  readonly #requestContext: ContextAhead;
  readonly #streams: StreamFramesReader | undefined;

  /** `streams`: if both ends have them. */
  constructor(
    { maxMessageBytes, windows, features, takesAdmin }: IncomingLimits,
    ids: RequestIds,
    streams?: StreamFramesReader,
  ) {
    this.#maxMessageBytes = maxMessageBytes;
    this.#takesFailureData = hasFeature(features, "failure-data");
    this.#takesAdmin = takesAdmin === true;
    this.#requestContext = new ContextAhead(hasFeature(features, "context"));
    this.#ids = ids;
    this.#messages = new ReceiveLane(windows[0]);
    this.#requests = new ReceiveLane(windows[1]);
    this.#answers = new ReceiveLane(windows[2]);
    this.#streamLane = new ReceiveLane(windows[2]);
    // Not by a spread, which leaves room for 18 more: this is kept for each connection.
    this.#lanes =
      streams === undefined
        ? [this.#messages, this.#requests, this.#answers]
        : [this.#messages, this.#requests, this.#answers, this.#streamLane];
    this.#streams = streams;
    this.#memory = streams?.memory ?? new DataMemory();
    this.#messageBodies = new IncomingBodies({ maxMessageBytes, maxUnderWay: 1 });
    this.#requestBodies = new IncomingBodies({ maxMessageBytes, maxUnderWay: maxBodiesUnderWay });
    this.#answerBodies = new IncomingBodies({ maxMessageBytes, maxUnderWay: maxBodiesUnderWay });
  }

  /** How far each lane's frames have arrived. */
  get received(): Positions {
    return this.#lanes.map(({ received }) => received) as readonly number[] as Positions;
  }

  /** Bytes that are kept of bodies under way, and of requests that wait for a handler. The inbox counts messages. */
  get keptBytes(): number {
    const bodies = this.#messageBodies.bytes + this.#requestBodies.bytes + this.#answerBodies.bytes;
    return bodies + (this.#streams?.bodies.bytes ?? 0) + this.#requests.unconsumedBytes;
  }

  /** The weight of everything consumed. */
  get consumedBytes(): number {
    return this.#lanes.reduce((bytes, { consumed }) => bytes + consumed, 0);
  }

  get bodiesUnderWay(): number {
    const others = this.#streams?.bodies.underWay ?? 0;
    return this.#messageBodies.underWay + this.#requestBodies.underWay + this.#answerBodies.underWay + others;
  }

  /** The large bodies under way, and whether their lane's window holds the peer up. */
  *unfinishedBodies(): Generator<{ readonly body: UnfinishedBody; readonly held: boolean }> {
    for (const [lane, bodies] of [
      [this.#messages, this.#messageBodies],
      [this.#requests, this.#requestBodies],
      [this.#answers, this.#answerBodies],
      [this.#streamLane, this.#streams?.bodies],
    ] as const) {
      if (bodies === undefined) continue;
      for (const body of bodies.unfinished) yield { body, held: lane.isFull };
    }
  }

  get allConsumed(): boolean {
    return this.#messages.allConsumed && this.#requests.allConsumed && this.#answers.allConsumed;
  }

  get hasNews(): boolean {
    const { hasNews } = this.#streamLane;
    return hasNews || this.#messages.hasNews || this.#requests.hasNews || this.#answers.hasNews;
  }

  get hasNotableNews(): boolean {
    return this.#lanes.some((lane) => lane.hasNotableNews);
  }

  get hasUrgentNews(): boolean {
    return this.#lanes.some((lane) => lane.hasUrgentNews);
  }

  /** The lane with that name. */
  lane(name: ConsumedLane): ReceiveLane {
    return name === "messages" ? this.#messages : this.#requests;
  }

  /** Returns the positions to acknowledge to the peer, which count as acknowledged from now on. */
  acknowledge(): Positions {
    return this.#lanes.map((lane) => lane.acknowledge()) as readonly number[] as Positions;
  }

  /** The connection was lost, and perhaps the last acknowledgement with it. */
  forgetAcknowledged(): void {
    for (const lane of this.#lanes) lane.forgetAcknowledged();
  }

  /**
   * Receives a frame of one of the lanes, from `start` of `record`, whose body ends at `end`; returns an event if the
   * frame completes one. The event's data belong to the application, see {@link DataMemory}.
   * @throws PeerError `ERR_FRAME_INVALID`, `ERR_PEER_MESSAGE_TOO_LARGE`, `ERR_WINDOW_EXCEEDED`.
   */
  receive(record: Received, start: number, end: number): IncomingEvent | undefined {
    const kind = record.bytes[start] as number;
    const bodyStart = start + frameHeaderBytes;
    if (kind === frameKinds.message) return this.#message(record, bodyStart, end);
    const lane = this.#laneOf(kind);
    if (end - bodyStart < fixedBytes(kind)) throw invalidFrame(`a frame of kind ${kind} that is too short`);
    lane.receive(end - start);
    if (lane === this.#streamLane) return this.#ofStreams(kind, { record, start: bodyStart, end });
    switch (kind) {
      case frameKinds.request:
        return this.#wholeRequest(record, bodyStart, end);
      case frameKinds.answer:
        return this.#wholeAnswer(record, bodyStart, end);
      default:
        return this.#other(kind, { record, start: bodyStart, end });
    }
  }

  #message(record: Received, start: number, end: number): IncomingEvent {
    const dataBytes = end - start - 4;
    if (dataBytes < 0) throw invalidFrame("a message that is too short for its type");
    if (this.#messageBodies.underWay > 0) throw invalidFrame("a message within another");
    this.#messages.receive(end - start + frameHeaderBytes);
    checkBodySize(dataBytes, this.#maxMessageBytes);
    const type = checkFrameType(readUint32(record.bytes, start));
    const data = this.#memory.own(record, start + 4, end);
    return { kind: "message", type, data, position: this.#messages.hold() };
  }

  #wholeRequest(record: Received, start: number, end: number): IncomingEvent | undefined {
    checkBodySize(end - start - 8, this.#maxMessageBytes);
    const { bytes } = record;
    const id = readUint32(bytes, start);
    const context = this.#requestContext.take(id);
    const data = this.#memory.own(record, start + 8, end);
    return this.#request({ id, type: readUint32(bytes, start + 4), data, context });
  }

  #wholeAnswer(record: Received, start: number, end: number): IncomingEvent | undefined {
    checkBodySize(end - start - 4, this.#maxMessageBytes);
    return this.#answer(readUint32(record.bytes, start), this.#memory.own(record, start + 4, end));
  }

  #laneOf(kind: number): ReceiveLane {
    switch (kind >> 4) {
      case 1:
        return this.#messages;
      case 2:
        return this.#requests;
      case 4:
        return this.#streamLane;
      default:
        return this.#answers;
    }
  }

  #other(kind: number, frame: FrameBody): IncomingEvent | undefined {
    const received = bodyOf(frame);
    const { bytes: body } = received;
    switch (kind) {
      case frameKinds["message-start"]:
        return this.#messageBodies.start(
          { id: noId, type: checkFrameType(readUint32(body, 0)), totalBytes: readUint32(body, 4) },
          received,
          8,
        );
      case frameKinds["message-part"]:
        return this.#messageWhole(this.#messageBodies.part(noId, received, 0));
      case frameKinds["request-start"]: {
        const id = readUint32(body, 0);
        const type = checkFrameType(readUint32(body, 4));
        const start = { id, type, totalBytes: readUint32(body, 8), context: this.#requestContext.take(id) };
        return this.#requestBodies.start(start, received, 12);
      }
      case frameKinds["request-part"]: {
        this.#requestContext.checkNone();
        const whole = this.#requestBodies.part(readUint32(body, 0), received, 4);
        return whole && this.#request(whole);
      }
      case frameKinds["request-context"]:
        return this.#requestContext.arrived(body);
      case frameKinds["admin-request"]:
        return this.#adminRequest(frame);
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
        return this.#failure(readUint32(body, 0), this.#failureWithData(frame));
      default:
        return this.#cancel(readUint32(body, 0));
    }
  }

  #messageWhole(whole: IncomingBody | undefined): IncomingEvent | undefined {
    return whole && { kind: "message", type: whole.type, data: whole.data, position: this.#messages.hold() };
  }

  /** A request that was cancelled before it arrived is not delivered, and so counts as consumed. */
  #request({ id, type, data, context }: RequestContent): IncomingEvent | undefined {
    checkFrameType(type);
    if (!this.#ids.peers.arrived(id)) return undefined;
    return { kind: "request", id, type, data, context, position: this.#requests.hold() };
  }

  #adminRequest({ record, start, end }: FrameBody): IncomingEvent | undefined {
    if (!this.#takesAdmin) throw invalidFrame("a request to the library, which was not agreed on");
    this.#requestContext.checkNone();
    if (end - start - 5 > maxAdminBytes) throw invalidFrame("a request to the library that is too long");
    const id = readUint32(record.bytes, start);
    if (!this.#ids.peers.arrived(id)) return undefined;
    const operation = record.bytes[start + 4] as number;
    const data = this.#memory.own(record, start + 5, end);
    return { kind: "admin-request", id, operation, data, position: this.#requests.hold() };
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
    const { failure, dataStart } = decodeFailureWithData(record.bytes.subarray(start, end));
    return { ...failure, data: this.#memory.own(record, start + dataStart, end) };
  }

  #ofStreams(kind: number, frame: FrameBody): IncomingEvent | undefined {
    if (this.#streams === undefined) throw invalidFrame("a frame of streams, which were not agreed on");
    return this.#streams.receive(kind, frame);
  }
}
