import { writeUint32 } from "../../integers.ts";
import type { RequestContent } from "../../session.ts";
import { type BodyKinds, maxSharedBodyBytes, pushBody, pushWhole } from "../lanes/push-body.ts";
import type { SendLane } from "../lanes/send-lane.ts";
import { encodeFailure } from "../wire/failure.ts";
import { frameHeaderBytes, frameKinds, writeFrameHeader } from "../wire/frame.ts";
import { encodeContext } from "../wire/trace-context.ts";

const openKinds: BodyKinds = {
  whole: frameKinds["stream-open"],
  start: frameKinds["stream-open-start"],
  part: frameKinds["stream-part"],
};
const itemKinds: BodyKinds = {
  whole: frameKinds.item,
  start: frameKinds["item-start"],
  part: frameKinds["stream-part"],
};

const nothing = new Uint8Array(0);

/** Writes the frames of streams into their lane. Nothing of `data` is needed after a call. */
export class StreamFrames {
  readonly #lane: SendLane;

  constructor(lane: SendLane) {
    this.#lane = lane;
  }

  open(id: number, { type, data, context }: Omit<RequestContent, "id">): void {
    const ahead = context && encodeContext(frameKinds["stream-context"], id, context);
    pushBody(this.#lane, openKinds, { ahead, wholeFields: [id, type], partFields: [] }, data);
  }

  /** Returns the weight of the item's frames. */
  item(id: number, data: Uint8Array): number {
    const lane = this.#lane;
    const before = lane.writtenPosition;
    const bodyBytes = 4 + data.length;
    const frameBytes = frameHeaderBytes + bodyBytes;
    if (bodyBytes > maxSharedBodyBytes) {
      pushBody(lane, itemKinds, { wholeFields: [id], partFields: [] }, data);
    } else {
      // What `pushBody` does, for what is sent most.
      const offset = lane.roomFor(frameBytes);
      const { slab } = lane;
      writeFrameHeader(slab, offset, frameKinds.item, bodyBytes);
      writeUint32(slab, id, offset + frameHeaderBytes);
      slab.set(data, offset + frameHeaderBytes + 4);
      lane.commit(frameBytes);
    }
    return lane.writtenPosition - before;
  }

  end(id: number): void {
    this.#whole(frameKinds["stream-end"], [id]);
  }

  /** Of the message no more is sent than fits into a frame. */
  reset(id: number, failure: { readonly code: string; readonly message: string }): void {
    pushWhole(this.#lane, frameKinds["stream-reset"], [id], encodeFailure(failure.code, failure.message));
  }

  stopSending(id: number): void {
    this.#whole(frameKinds["stop-sending"], [id]);
  }

  credit(id: number, consumed: number): void {
    const high = Math.floor(consumed / 0x1_0000_0000);
    this.#whole(frameKinds["stream-credit"], [id, high, consumed >>> 0]);
  }

  #whole(kind: number, fields: readonly number[]): void {
    pushWhole(this.#lane, kind, fields, nothing);
  }
}
