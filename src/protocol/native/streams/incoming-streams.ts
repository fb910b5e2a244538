import { DataMemory } from "../../data-memory.ts";
import { readUint32 } from "../../integers.ts";
import type { StreamEvent, TraceContext } from "../../session.ts";
import { ContextAhead } from "../lanes/context-ahead.ts";
import { bodyOf, checkBodySize, type FrameBody, IncomingBodies } from "../lanes/incoming-bodies.ts";
import { decodeFailure } from "../wire/failure.ts";
import { checkFrameType, frameHeaderBytes, frameKinds, invalidFrame, readUint64 } from "../wire/frame.ts";
import { frameOverheadBytes } from "../wire/lanes.ts";
import { hasFeature } from "../wire/offers.ts";
import type { Streams } from "./streams.ts";

/** The large body under way: an opening if it has a type, otherwise an item; and what its frames weigh so far. */
interface UnderWay {
  readonly id: number;
  readonly type: number | undefined;
  readonly context: TraceContext | undefined;
  weight: number;
}

/**
 * The frames of streams that this end receives.
 *
 * Source: spec/protocol.md, "Streams".
 */
export class IncomingStreams {
  readonly #streams: Streams;
  readonly memory = new DataMemory();
  /** One at a time, so it needs no id. */
  readonly bodies: IncomingBodies;
  readonly #maxMessageBytes: number;
  readonly #context: ContextAhead;
  #underWay: UnderWay | undefined;

  constructor(
    streams: Streams,
    {
      maxMessageBytes,
      features,
    }: { readonly maxMessageBytes: number; readonly features?: number | undefined },
  ) {
    this.#maxMessageBytes = maxMessageBytes;
    this.#context = new ContextAhead(hasFeature(features, "context"));
    this.#streams = streams;
    this.bodies = new IncomingBodies({ maxMessageBytes, maxUnderWay: 1 });
  }

  /**
   * A frame that is as long as its kind needs; an event if it completes one.
   * @throws PeerError `ERR_FRAME_INVALID`, `ERR_PEER_MESSAGE_TOO_LARGE`, `ERR_WINDOW_EXCEEDED`
   */
  receive(kind: number, frame: FrameBody): StreamEvent | undefined {
    if (kind === frameKinds["stream-part"]) return this.#part(frame);
    if (this.#underWay !== undefined) throw invalidFrame("a frame of a stream within a large body of one");
    const { record, start, end } = frame;
    const id = readUint32(record.bytes, start);
    const context = this.#context.take(id);
    if (context !== undefined) this.#checkOpening(kind);
    switch (kind) {
      case frameKinds.item:
        checkBodySize(end - start - 4, this.#maxMessageBytes);
        this.#streams.beginItem(id);
        return this.#item(id, weightOf(frame), this.memory.own(record, start + 4, end));
      case frameKinds["stream-open"]: {
        checkBodySize(end - start - 8, this.#maxMessageBytes);
        const type = checkFrameType(readUint32(record.bytes, start + 4));
        this.#streams.beginOpening(id);
        return { kind: "stream", id, type, data: this.memory.own(record, start + 8, end), context };
      }
      case frameKinds["stream-open-start"]: {
        this.#streams.beginOpening(id);
        const type = checkFrameType(readUint32(record.bytes, start + 4));
        return this.#start({ id, type, context }, frame, 12);
      }
      case frameKinds["item-start"]:
        this.#streams.beginItem(id);
        return this.#start({ id, type: undefined, context }, frame, 8);
      case frameKinds["stream-context"]:
        return this.#context.arrived(record.bytes.subarray(start, end));
      default:
        return this.#control(kind, id, record.bytes.subarray(start, end));
    }
  }

  #control(kind: number, id: number, body: Uint8Array): StreamEvent | undefined {
    switch (kind) {
      case frameKinds["stream-end"]:
        return this.#streams.peerEnds(id) ? { kind: "stream-end", id } : undefined;
      case frameKinds["stream-reset"]: {
        const failure = decodeFailure(body);
        return this.#streams.peerResets(id) ? { kind: "stream-reset", id, ...failure } : undefined;
      }
      case frameKinds["stop-sending"]:
        return this.#streams.peerStops(id) ? { kind: "stop-sending", id } : undefined;
      default:
        return this.#streams.peerConsumes(id, readUint64(body, 4))
          ? { kind: "stream-credit", id }
          : undefined;
    }
  }

  #item(id: number, weight: number, data: Uint8Array): StreamEvent | undefined {
    this.#streams.receive(id, weight);
    return this.#streams.takesItem(id) ? { kind: "item", id, data, weight } : undefined;
  }

  #start(begun: Omit<UnderWay, "weight">, frame: FrameBody, fixedBytes: number): undefined {
    const { record, start } = frame;
    const totalBytes = readUint32(record.bytes, start + fixedBytes - 4);
    this.bodies.start({ id: 0, type: 0, totalBytes }, bodyOf(frame), fixedBytes);
    this.#underWay = { ...begun, weight: weightOf(frame) };
  }

  #part(frame: FrameBody): StreamEvent | undefined {
    const whole = this.bodies.part(0, bodyOf(frame), 0);
    const underWay = this.#underWay as UnderWay;
    underWay.weight += weightOf(frame);
    if (whole === undefined) return undefined;
    this.#underWay = undefined;
    const { id, type, context, weight } = underWay;
    if (type === undefined) return this.#item(id, weight, whole.data);
    return this.#streams.has(id) ? { kind: "stream", id, type, data: whole.data, context } : undefined;
  }

  #checkOpening(kind: number): void {
    if (kind === frameKinds["stream-open"] || kind === frameKinds["stream-open-start"]) return;
    throw invalidFrame("the context of a stream, and then something else than its opening");
  }
}

function weightOf({ start, end }: FrameBody): number {
  return end - start + frameHeaderBytes + frameOverheadBytes;
}
