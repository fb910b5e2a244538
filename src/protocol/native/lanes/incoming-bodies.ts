import { PeerError } from "../../../errors.ts";
import { type Received, release } from "../../memory.ts";
import { copyParts } from "../../parts.ts";
import { invalidFrame, minPartBytes } from "../wire/frame.ts";

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

/** A large body that is under way. */
export interface UnfinishedBody {
  readonly missingBytes: number;
}

interface Unfinished extends BodyStart {
  /** What has arrived while it is too little to allocate the whole for. */
  readonly parts: Uint8Array[];
  data: Uint8Array | undefined;
  missingBytes: number;
}

/** No more than so many times what has arrived is allocated. */
const maxAhead = 4;

/**
 * The large bodies of a lane that are under way. Memory for a whole one is allocated when a good part of it is there, and
 * what comes then is put in its place while it is in the processor's cache.
 *
 * Source: spec/protocol.md, "Large bodies".
 */
export class IncomingBodies {
  readonly #maxMessageBytes: number;
  readonly #maxUnderWay: number;
  readonly #bodies = new Map<number, Unfinished>();

  constructor(limits: { readonly maxMessageBytes: number; readonly maxUnderWay: number }) {
    this.#maxMessageBytes = limits.maxMessageBytes;
    this.#maxUnderWay = limits.maxUnderWay;
  }

  get underWay(): number {
    return this.#bodies.size;
  }

  /** Those under way. */
  get unfinished(): Iterable<UnfinishedBody> {
    return this.#bodies.values();
  }

  /** What they take. */
  get bytes(): number {
    let bytes = 0;
    for (const { data, totalBytes, missingBytes } of this.#bodies.values()) {
      bytes += data === undefined ? totalBytes - missingBytes : totalBytes;
    }
    return bytes;
  }

  /**
   * `body` is the first frame's, whose data begin behind `fixedBytes`.
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
    this.#bodies.set(start.id, unfinished);
    this.#add(unfinished, body, fixedBytes);
  }

  /** The whole of it with its last part, until then nothing. @throws PeerError `ERR_FRAME_INVALID` */
  part(id: number, body: Received, fixedBytes: number): IncomingBody | undefined {
    const unfinished = this.#bodies.get(id);
    if (unfinished === undefined) throw invalidFrame("a part of a large body that has no start");
    this.#add(unfinished, body, fixedBytes);
    if (unfinished.missingBytes > 0) return undefined;
    this.#bodies.delete(id);
    const { type, totalBytes, data } = unfinished;
    return { id, type, totalBytes, data: data as Uint8Array };
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

/** A body that is kept, in memory of its own that can be released. */
function ownPart({ bytes, owned }: Received): Uint8Array {
  return owned ? bytes : bytes.slice();
}
