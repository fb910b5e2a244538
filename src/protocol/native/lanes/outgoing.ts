import { writeUint32 } from "../../integers.ts";
import { joinParts } from "../../parts.ts";
import type { Failure } from "../../session.ts";
import { encodeUtf8 } from "../../utf8.ts";
import { frameHeaderBytes, frameKinds, invalidFrame, maxBodyBytes, writeFrameHeader } from "../wire/frame.ts";
import type { Positions } from "../wire/lanes.ts";
import { SendLane } from "./send-lane.ts";
import { takeSlab } from "./slab-pool.ts";

/** A longer frame has memory of its own, and so a record of its own where it is long enough. */
const maxSharedBytes = 16_384;

/** The kinds and fixed fields of what can be cut into parts. */
interface BodyKinds {
  readonly whole: number;
  readonly start: number;
  readonly part: number;
}

const messageKinds: BodyKinds = {
  whole: frameKinds.message,
  start: frameKinds["message-start"],
  part: frameKinds["message-part"],
};
const requestKinds: BodyKinds = {
  whole: frameKinds.request,
  start: frameKinds["request-start"],
  part: frameKinds["request-part"],
};
const answerKinds: BodyKinds = {
  whole: frameKinds.answer,
  start: frameKinds["answer-start"],
  part: frameKinds["answer-part"],
};

/**
 * What this end sends: the three lanes, and the frames that are written into them. Callers have checked types and sizes;
 * nothing of `data` is needed after a call.
 */
export class Outgoing {
  readonly messages = new SendLane("ordered");
  readonly requests = new SendLane("interleaved");
  readonly answers = new SendLane("interleaved");

  /** In the order in which a record has them. */
  readonly lanes: readonly SendLane[] = [this.messages, this.requests, this.answers];

  /** The weight of all that waits, or is sent and not acknowledged. */
  get queuedBytes(): number {
    return this.messages.queuedBytes + this.requests.queuedBytes + this.answers.queuedBytes;
  }

  /** What is kept besides that. */
  get keptBytes(): number {
    return this.messages.keptBytes + this.requests.keptBytes + this.answers.keptBytes;
  }

  /** The weight of all that is acknowledged. */
  get acknowledgedBytes(): number {
    return this.messages.acknowledged + this.requests.acknowledged + this.answers.acknowledged;
  }

  /** The weight of what waits to be sent. */
  get unsentBytes(): number {
    return this.messages.unsentBytes + this.requests.unsentBytes + this.answers.unsentBytes;
  }

  /**
   * Whether what is next in the lane was written after messages that can leave first. It does not wait for a large
   * message, nor for what the peer's window holds up.
   */
  isAhead(lane: SendLane): boolean {
    const { messages } = this;
    return lane.follows > messages.leftPosition && messages.nextBytes > 0 && !messages.isWithinBody;
  }

  get allSent(): boolean {
    return this.messages.allSent && this.requests.allSent && this.answers.allSent;
  }

  message(type: number, data: Uint8Array): void {
    const bodyBytes = 4 + data.length;
    const frameBytes = frameHeaderBytes + bodyBytes;
    if (frameBytes > maxSharedBytes) {
      this.#push(this.messages, messageKinds, { wholeFields: [type], partFields: [] }, data);
      return;
    }
    // What `#push` does, for what is sent most.
    const { messages } = this;
    const offset = messages.roomFor(frameBytes);
    const { slab } = messages;
    writeFrameHeader(slab, offset, frameKinds.message, bodyBytes);
    writeUint32(slab, type, offset + frameHeaderBytes);
    slab.set(data, offset + frameHeaderBytes + 4);
    messages.commit(frameBytes);
  }

  request(id: number, type: number, data: Uint8Array): void {
    this.#push(this.requests, requestKinds, { wholeFields: [id, type], partFields: [id] }, data);
  }

  answer(id: number, data: Uint8Array): void {
    this.#push(this.answers, answerKinds, { wholeFields: [id], partFields: [id] }, data);
  }

  /** The code has at most 64 ASCII characters; of the message no more is sent than fits into a frame with the data. */
  failure(id: number, { code, message, data }: Failure): void {
    const codeBytes = encodeUtf8(code);
    const start = joinParts([Uint8Array.of(codeBytes.length), codeBytes]);
    if (data === undefined) {
      const text = encodeUtf8(message, maxBodyBytes - 128);
      this.#whole(this.answers, frameKinds.failure, [id], joinParts([start, text]));
      return;
    }
    const text = encodeUtf8(message, Math.min(0xffff, maxBodyBytes - 128 - data.length));
    const textBytes = Uint8Array.of(text.length >>> 8, text.length);
    this.#whole(
      this.answers,
      frameKinds["failure-with-data"],
      [id],
      joinParts([start, textBytes, text, data]),
    );
  }

  cancel(id: number): void {
    this.#whole(this.answers, frameKinds.cancel, [id], new Uint8Array(0));
  }

  /** The peer has taken so much. @throws PeerError `ERR_FRAME_INVALID` where it cannot have. */
  acknowledge(taken: Positions): void {
    this.lanes.forEach((lane, index) => {
      const position = taken[index] as number;
      if (position < lane.acknowledged || position > lane.sentPosition) {
        throw invalidFrame("an acknowledgement of what was not sent, or before an earlier one");
      }
      if (position === lane.acknowledged) return;
      if (!lane.endsFrame(position)) throw invalidFrame("an acknowledgement within a frame");
      lane.acknowledge(position);
    });
  }

  /** The transport has let go of everything that was taken: memory of what is acknowledged can be used again. */
  recycle(): void {
    for (const lane of this.lanes) lane.recycle();
  }

  /** The transport ended with what was taken: see {@link SendLane.loseTaken}. */
  loseTaken(): void {
    for (const lane of this.lanes) lane.loseTaken();
  }

  /** Changes nothing. @throws PeerError `ERR_FRAME_INVALID` where {@link rewind} could not go on from there. */
  checkRewind(received: Positions): void {
    const servable = this.lanes.every((lane, index) => lane.canRewind(received[index] as number));
    if (!servable) throw invalidFrame("a position that this end cannot go on from");
  }

  /** Goes on, on another connection, behind what the peer has received. @throws PeerError `ERR_FRAME_INVALID` */
  rewind(received: Positions): void {
    this.checkRewind(received);
    this.lanes.forEach((lane, index) => {
      lane.rewind(received[index] as number);
    });
  }

  #push(lane: SendLane, kinds: BodyKinds, fields: Fields, data: Uint8Array): void {
    const bodyBytes = 4 * fields.wholeFields.length + data.length;
    if (bodyBytes > maxBodyBytes) this.#large(lane, kinds, fields, data);
    else this.#whole(lane, kinds.whole, fields.wholeFields, data);
  }

  #whole(lane: SendLane, kind: number, fields: readonly number[], data: Uint8Array): void {
    const frameBytes = frameHeaderBytes + 4 * fields.length + data.length;
    const { messages } = this;
    if (lane !== messages) lane.follow(messages.writtenPosition, !messages.allSent);
    if (frameBytes > maxSharedBytes) {
      lane.pushBody([encodeAlone(kind, fields, data)]);
      return;
    }
    const offset = lane.roomFor(frameBytes);
    writeFrame(lane.slab, { offset, kind, fields, data });
    lane.commit(frameBytes);
  }

  #large(lane: SendLane, kinds: BodyKinds, { wholeFields, partFields }: Fields, data: Uint8Array): void {
    const frames: Uint8Array[] = [];
    let kind = kinds.start;
    let fields: readonly number[] = [...wholeFields, data.length];
    for (let start = 0; start < data.length; ) {
      const roomBytes = maxBodyBytes - 4 * fields.length;
      const part = data.subarray(start, start + roomBytes);
      frames.push(encodeAlone(kind, fields, part));
      start += part.length;
      kind = kinds.part;
      fields = partFields;
    }
    lane.pushBody(frames);
  }
}

/** A frame in memory of its own, which its lane can use again. */
function encodeAlone(kind: number, fields: readonly number[], data: Uint8Array): Uint8Array {
  const frameBytes = frameHeaderBytes + 4 * fields.length + data.length;
  const frame = takeSlab(frameBytes).subarray(0, frameBytes);
  writeFrame(frame, { offset: 0, kind, fields, data });
  return frame;
}

/** The u32s before the data, in a whole frame and in a part. */
interface Fields {
  readonly wholeFields: readonly number[];
  readonly partFields: readonly number[];
}

function writeFrame(
  target: Uint8Array,
  frame: {
    readonly offset: number;
    readonly kind: number;
    readonly fields: readonly number[];
    readonly data: Uint8Array;
  },
): void {
  const { offset, kind, fields, data } = frame;
  writeFrameHeader(target, offset, kind, 4 * fields.length + data.length);
  let position = offset + frameHeaderBytes;
  for (const field of fields) {
    writeUint32(target, field, position);
    position += 4;
  }
  target.set(data, position);
}
