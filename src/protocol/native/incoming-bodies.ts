import { PeerError } from "../../errors.ts";
import { copyParts } from "../parts.ts";
import { invalidFrame, leastPartBytes } from "./frame.ts";

/** What the first frame of a large body says of it. */
export interface BodyStart {
  /** 0 where the lane has no ids. */
  readonly id: number;
  readonly type: number;
  readonly totalBytes: number;
}

export interface IncomingBody extends BodyStart {
  readonly data: Uint8Array;
}

interface Unfinished extends BodyStart {
  readonly parts: Uint8Array[];
  missingBytes: number;
}

/**
 * The large bodies of a lane that are under way. Nothing is allocated for what has not arrived.
 *
 * Source: spec/protocol.md, "Large bodies".
 */
export class IncomingBodies {
  readonly #maxMessageBytes: number;
  readonly #highestUnderWay: number;
  readonly #bodies = new Map<number, Unfinished>();

  constructor(limits: { readonly maxMessageBytes: number; readonly highestUnderWay: number }) {
    this.#maxMessageBytes = limits.maxMessageBytes;
    this.#highestUnderWay = limits.highestUnderWay;
  }

  get underWay(): number {
    return this.#bodies.size;
  }

  /** What has arrived of them. */
  get bytes(): number {
    let bytes = 0;
    for (const { totalBytes, missingBytes } of this.#bodies.values()) bytes += totalBytes - missingBytes;
    return bytes;
  }

  /** @throws PeerError `ERR_PEER_MESSAGE_TOO_LARGE`, `ERR_FRAME_INVALID` */
  start(start: BodyStart, data: Uint8Array): undefined {
    if (start.totalBytes > this.#maxMessageBytes) {
      throw new PeerError(
        "ERR_PEER_MESSAGE_TOO_LARGE",
        `the peer announced a message of ${start.totalBytes} bytes, over maxMessageBytes (${this.#maxMessageBytes})`,
      );
    }
    if (this.#bodies.has(start.id) || this.#bodies.size >= this.#highestUnderWay) {
      throw invalidFrame("the start of a large body while as many as there may be are under way");
    }
    if (data.length >= start.totalBytes) throw invalidFrame("the start of a large body that is all of it");
    this.#bodies.set(start.id, { ...start, parts: [], missingBytes: start.totalBytes });
    this.#add(this.#bodies.get(start.id) as Unfinished, data);
  }

  /** The whole body with its last part, until then nothing. @throws PeerError `ERR_FRAME_INVALID` */
  part(id: number, data: Uint8Array): IncomingBody | undefined {
    const body = this.#bodies.get(id);
    if (body === undefined) throw invalidFrame("a part of a large body that has no start");
    this.#add(body, data);
    if (body.missingBytes > 0) return undefined;
    this.#bodies.delete(id);
    const whole = new Uint8Array(body.totalBytes);
    copyParts(body.parts, whole);
    return { id, type: body.type, totalBytes: body.totalBytes, data: whole };
  }

  #add(body: Unfinished, data: Uint8Array): void {
    body.missingBytes -= data.length;
    if (body.missingBytes < 0) throw invalidFrame("more of a large body than its start said");
    if (body.missingBytes > 0 && data.length < leastPartBytes) throw invalidFrame("a part that is too small");
    body.parts.push(ownPart(data));
  }
}

/** A part is not to keep much more than itself, such as what a peer has put around each in its record. */
function ownPart(data: Uint8Array): Uint8Array {
  return data.buffer.byteLength > 2 * data.length + 128 ? Uint8Array.from(data) : data;
}
