import { writeUint32 } from "../../integers.ts";
import { joinParts } from "../../parts.ts";
import type { Failure, RequestContent } from "../../session.ts";
import { encodeUtf8 } from "../../utf8.ts";
import { encodeCode, encodeFailure } from "../wire/failure.ts";
import { frameHeaderBytes, frameKinds, invalidFrame, maxBodyBytes, writeFrameHeader } from "../wire/frame.ts";
import type { Positions } from "../wire/lanes.ts";
import { encodeContext } from "../wire/trace-context.ts";
import { type BodyKinds, type Fields, maxSharedBodyBytes, pushBody, pushWhole } from "./push-body.ts";
import { SendLane } from "./send-lane.ts";

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
 * The sending half of a session: the lanes, and the frames that are written to those of messages, requests and answers.
 * Callers have checked types and sizes; no `data` is used after a call.
 */
export class Outgoing {
  readonly messages = new SendLane("ordered");
  readonly requests = new SendLane("interleaved");
  readonly answers = new SendLane("interleaved");
  readonly streams = new SendLane("ordered");

  /** In the order in which they are in a record; that of streams only if both ends have them. */
  readonly lanes: readonly SendLane[];

  constructor(hasStreams = false) {
    const { messages, requests, answers, streams } = this;
    this.lanes = hasStreams ? [messages, requests, answers, streams] : [messages, requests, answers];
  }

  /** The weight of everything that waits, or is sent and not acknowledged. */
  get queuedBytes(): number {
    return (
      this.messages.queuedBytes +
      this.requests.queuedBytes +
      this.answers.queuedBytes +
      this.streams.queuedBytes
    );
  }

  /** Bytes that are kept besides that. */
  get keptBytes(): number {
    return (
      this.messages.keptBytes + this.requests.keptBytes + this.answers.keptBytes + this.streams.keptBytes
    );
  }

  /** The weight of everything acknowledged. */
  get acknowledgedBytes(): number {
    return this.lanes.reduce((bytes, { acknowledged }) => bytes + acknowledged, 0);
  }

  /** The weight of everything that waits to be sent. */
  get unsentBytes(): number {
    return (
      this.messages.unsentBytes +
      this.requests.unsentBytes +
      this.answers.unsentBytes +
      this.streams.unsentBytes
    );
  }

  /**
   * Whether the next frame of the lane was written after messages that can leave first. It does not wait for a large
   * message, nor for messages that the peer's window holds up.
   */
  isAhead(lane: SendLane): boolean {
    const { messages } = this;
    return lane.follows > messages.leftPosition && messages.nextBytes > 0 && !messages.isWithinBody;
  }

  get allSent(): boolean {
    return this.messages.allSent && this.requests.allSent && this.answers.allSent && this.streams.allSent;
  }

  message(type: number, data: Uint8Array): void {
    const { messages } = this;
    const bodyBytes = 4 + data.length;
    if (bodyBytes > maxSharedBodyBytes) {
      pushBody(messages, messageKinds, { wholeFields: [type], partFields: [] }, data);
      return;
    }
    // The same as `#push`, without the lists of fields, for the most frequent kinds: here and below.
    const offset = this.#begin(messages, frameKinds.message, bodyBytes);
    writeUint32(messages.slab, type, offset);
    messages.slab.set(data, offset + 4);
    messages.commit(frameHeaderBytes + bodyBytes);
  }

  request(id: number, { type, data, context }: Omit<RequestContent, "id">): void {
    const { requests } = this;
    const bodyBytes = 8 + data.length;
    if (bodyBytes > maxSharedBodyBytes || context !== undefined) {
      const ahead = context && encodeContext(frameKinds["request-context"], id, context);
      this.#push(requests, requestKinds, { ahead, wholeFields: [id, type], partFields: [id] }, data);
      return;
    }
    const offset = this.#begin(requests, frameKinds.request, bodyBytes);
    writeUint32(requests.slab, id, offset);
    writeUint32(requests.slab, type, offset + 4);
    requests.slab.set(data, offset + 8);
    requests.commit(frameHeaderBytes + bodyBytes);
  }

  admin(id: number, operation: number, data: Uint8Array): void {
    const body = joinParts([Uint8Array.of(operation), data]);
    this.#whole(this.requests, frameKinds["admin-request"], { id, data: body });
  }

  answer(id: number, data: Uint8Array): void {
    const { answers } = this;
    const bodyBytes = 4 + data.length;
    if (bodyBytes > maxSharedBodyBytes) {
      this.#push(answers, answerKinds, { wholeFields: [id], partFields: [id] }, data);
      return;
    }
    const offset = this.#begin(answers, frameKinds.answer, bodyBytes);
    writeUint32(answers.slab, id, offset);
    answers.slab.set(data, offset + 4);
    answers.commit(frameHeaderBytes + bodyBytes);
  }

  /** The code has at most 64 ASCII characters; the message is cut to what fits into a frame with the data. */
  failure(id: number, { code, message, data }: Failure): void {
    if (data === undefined) {
      this.#whole(this.answers, frameKinds.failure, { id, data: encodeFailure(code, message) });
      return;
    }
    const start = encodeCode(code);
    const text = encodeUtf8(message, Math.min(0xffff, maxBodyBytes - 128 - data.length));
    const textBytes = Uint8Array.of(text.length >>> 8, text.length);
    const body = joinParts([start, textBytes, text, data]);
    this.#whole(this.answers, frameKinds["failure-with-data"], { id, data: body });
  }

  cancel(id: number): void {
    this.#whole(this.answers, frameKinds.cancel, { id, data: new Uint8Array(0) });
  }

  /** The peer acknowledges these positions. @throws PeerError `ERR_FRAME_INVALID` if they are impossible. */
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

  /** The transport is done with everything that it was given: memory of acknowledged frames can be used again. */
  recycle(): void {
    for (const lane of this.lanes) lane.recycle();
  }

  /** The transport ended while it had frames: see {@link SendLane.loseTaken}. */
  loseTaken(): void {
    for (const lane of this.lanes) lane.loseTaken();
  }

  /**
   * Changes nothing. @throws PeerError `ERR_FRAME_INVALID` if {@link rewind} could not go on from these positions.
   */
  checkRewind(received: Positions): void {
    const servable = this.lanes.every((lane, index) => lane.canRewind(received[index] as number));
    if (!servable) throw invalidFrame("a position that this end cannot go on from");
  }

  /** Goes on, on another connection, after what the peer has received. @throws PeerError `ERR_FRAME_INVALID` */
  rewind(received: Positions): void {
    this.checkRewind(received);
    this.lanes.forEach((lane, index) => {
      lane.rewind(received[index] as number);
    });
  }

  /** Where the body of a short frame goes in the lane's slab, behind its header. {@link SendLane.commit} follows. */
  #begin(lane: SendLane, kind: number, bodyBytes: number): number {
    const { messages } = this;
    if (lane !== messages) this.#follow(lane);
    const offset = lane.roomFor(frameHeaderBytes + bodyBytes);
    writeFrameHeader(lane.slab, offset, kind, bodyBytes);
    return offset + frameHeaderBytes;
  }

  #push(lane: SendLane, kinds: BodyKinds, fields: Fields, data: Uint8Array): void {
    this.#follow(lane);
    pushBody(lane, kinds, fields, data);
  }

  #whole(
    lane: SendLane,
    kind: number,
    { id, data }: { readonly id: number; readonly data: Uint8Array },
  ): void {
    this.#follow(lane);
    pushWhole(lane, kind, [id], data);
  }

  #follow(lane: SendLane): void {
    const { messages } = this;
    lane.follow(messages.writtenPosition, !messages.allSent);
  }
}
