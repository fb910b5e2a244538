import { PeerError } from "../../../errors.ts";
import { IdMap } from "../../id-map.ts";
import { type Received, release } from "../../memory.ts";
import { copyParts } from "../../parts.ts";
import type { TraceContext } from "../../session.ts";
import { frameHeaderBytes, invalidFrame, minPartBytes } from "../wire/frame.ts";

/** Where in its record a frame's body lies. */
export interface FrameBody {
  readonly record: Received;
  readonly start: number;
  readonly end: number;
}

/** A frame's body by itself, owned if it is all that there is in its record. */
export function bodyOf({ record, start, end }: FrameBody): Received {
  const owned = record.owned && start === frameHeaderBytes && end === record.bytes.length;
  return { bytes: record.bytes.subarray(start, end), owned };
}

/** @throws PeerError `ERR_PEER_MESSAGE_TOO_LARGE` */
export function checkBodySize(dataBytes: number, maxMessageBytes: number): void {
  if (dataBytes <= maxMessageBytes) return;
  throw new PeerError(
    "ERR_PEER_MESSAGE_TOO_LARGE",
    `the peer sent a message of ${dataBytes} bytes, over maxMessageBytes (${maxMessageBytes})`,
  );
}

/** The fields of the first frame of a large body. */
export interface BodyStart {
  /** 0 if the lane has no ids. */
  readonly id: number;
  readonly type: number;
  readonly totalBytes: number;
  readonly context?: TraceContext | undefined;
}

export interface IncomingBody extends BodyStart {
  readonly data: Uint8Array;
}

/** A large body that is under way. */
export interface UnfinishedBody {
  readonly missingBytes: number;
}

interface Unfinished extends BodyStart {
  /** The parts that have arrived, until they are enough to allocate the whole. */
  readonly parts: Uint8Array[];
  data: Uint8Array | undefined;
  missingBytes: number;
}

/** Memory is allocated for at most this many times what has arrived. */
const maxAhead = 4;

/**
 * The large bodies of a lane that are under way. Memory for a whole body is allocated when a good part of it has
 * arrived; later parts are copied into it at once, while they are in the processor's cache.
 *
 * Source: spec/protocol.md, "Large bodies".
 */
export class IncomingBodies {
  readonly #maxMessageBytes: number;
  readonly #maxUnderWay: number;
  readonly #bodies = new IdMap<Unfinished>();

  constructor(limits: { readonly maxMessageBytes: number; readonly maxUnderWay: number }) {
    this.#maxMessageBytes = limits.maxMessageBytes;
    this.#maxUnderWay = limits.maxUnderWay;
  }

  get underWay(): number {
    return this.#bodies.size;
  }

  /** The bodies under way. */
  get unfinished(): Iterable<UnfinishedBody> {
    return this.#bodies.values();
  }

  /** The memory that they take, in bytes. */
  get bytes(): number {
    let bytes = 0;
    for (const { data, totalBytes, missingBytes } of this.#bodies.values()) {
      bytes += data === undefined ? totalBytes - missingBytes : totalBytes;
    }
    return bytes;
  }

  /**
   * `body` is the first frame's; its data begin after `fixedBytes`.
   * @throws PeerError `ERR_PEER_MESSAGE_TOO_LARGE`, `ERR_FRAME_INVALID`
   */
  start(start: BodyStart, body: Received, fixedBytes: number): undefined {
    if (start.totalBytes > this.#maxMessageBytes) {
      throw new PeerError(
        "ERR_PEER_MESSAGE_TOO_LARGE",
        `the peer announced a message of ${start.totalBytes} bytes, over maxMessageBytes (${this.#maxMessageBytes})`,
      );
    }
    if (this.#bodies.has(start.id) || this.#bodies.size >= this.#maxUnderWay) {
      throw invalidFrame("the start of a large body while as many as there may be are under way");
    }
    if (body.bytes.length - fixedBytes >= start.totalBytes)
      throw invalidFrame("the start of a large body that is all of it");
    const unfinished = { ...start, parts: [], data: undefined, missingBytes: start.totalBytes };
    this.#bodies.add(start.id, unfinished);
    this.#add(unfinished, body, fixedBytes);
  }

  /** Returns the whole body with its last part, until then `undefined`. @throws PeerError `ERR_FRAME_INVALID` */
  part(id: number, body: Received, fixedBytes: number): IncomingBody | undefined {
    const unfinished = this.#bodies.get(id);
    if (unfinished === undefined) throw invalidFrame("a part of a large body that has no start");
    this.#add(unfinished, body, fixedBytes);
    if (unfinished.missingBytes > 0) return undefined;
    this.#bodies.delete(id);
    const { type, totalBytes, context, data } = unfinished;
    return { id, type, totalBytes, context, data: data as Uint8Array };
  }

  #add(unfinished: Unfinished, body: Received, fixedBytes: number): void {
    const { parts, totalBytes } = unfinished;
    const start = totalBytes - unfinished.missingBytes;
    const end = start + body.bytes.length - fixedBytes;
    if (end > totalBytes) throw invalidFrame("more of a large body than its start said");
    if (end < totalBytes && end - start < minPartBytes) throw invalidFrame("a part that is too small");
    unfinished.missingBytes = totalBytes - end;
    if (unfinished.data === undefined && end * maxAhead >= totalBytes) {
      unfinished.data = new Uint8Array(totalBytes);
      copyParts(parts, unfinished.data);
      for (const { buffer } of parts.splice(0)) release(new Uint8Array(buffer));
    }
    if (unfinished.data === undefined) {
      parts.push(ownPart(body).subarray(fixedBytes));
      return;
    }
    unfinished.data.set(body.bytes.subarray(fixedBytes), start);
    if (body.owned) release(new Uint8Array(body.bytes.buffer));
  }
}

/** A part to keep, in memory of its own that can be released. */
function ownPart({ bytes, owned }: Received): Uint8Array {
  return owned ? bytes : bytes.slice();
}
