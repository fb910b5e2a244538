import { writeUint32 } from "../../integers.ts";
import { frameHeaderBytes, maxBodyBytes, writeFrameHeader } from "../wire/frame.ts";
import type { SendLane } from "./send-lane.ts";
import { takeSlab } from "./slab-pool.ts";

const maxSharedBytes = 16_384;
/** A frame with a longer body has memory of its own, and, if it is long enough, also a record of its own. */
export const maxSharedBodyBytes = maxSharedBytes - frameHeaderBytes;

/** The kinds of what can be cut into parts. */
export interface BodyKinds {
  readonly whole: number;
  readonly start: number;
  readonly part: number;
}

/** The u32s before the data, in a whole frame and in a part. */
export interface Fields {
  /** A whole frame that leaves directly before the first of the body, in the same record. */
  readonly ahead?: Uint8Array | undefined;
  readonly wholeFields: readonly number[];
  readonly partFields: readonly number[];
}

/** Has the lane send a body, cut into parts if it is large. Nothing of `data` is needed after the call. */
export function pushBody(lane: SendLane, kinds: BodyKinds, fields: Fields, data: Uint8Array): void {
  const { ahead = nothing, wholeFields, partFields } = fields;
  const first = 4 * wholeFields.length + data.length + ahead.length;
  if (first > maxBodyBytes) pushLarge(lane, kinds, { ahead, wholeFields, partFields }, data);
  else push(lane, { ahead, kind: kinds.whole, fields: wholeFields, data });
}

/** Has the lane send one frame. The caller has seen that it fits. */
export function pushWhole(lane: SendLane, kind: number, fields: readonly number[], data: Uint8Array): void {
  push(lane, { ahead: nothing, kind, fields, data });
}

interface Frame {
  /** The frame before it, or nothing. */
  readonly ahead: Uint8Array;
  readonly kind: number;
  readonly fields: readonly number[];
  readonly data: Uint8Array;
}

const nothing = new Uint8Array(0);

function push(lane: SendLane, frame: Frame): void {
  const { ahead } = frame;
  const frameBytes = lengthOf(frame);
  if (ahead.length + frameBytes > maxSharedBytes) {
    lane.pushBody([encodeAlone(frame)], framesAhead(ahead));
    return;
  }
  // Room for both at once: they stay together.
  const offset = lane.roomFor(ahead.length + frameBytes);
  writeFrame(lane.slab, offset, frame);
  if (ahead.length > 0) lane.commit(ahead.length);
  lane.commit(frameBytes);
}

function pushLarge(
  lane: SendLane,
  kinds: BodyKinds,
  { ahead: first, wholeFields, partFields }: Required<Fields> & { readonly ahead: Uint8Array },
  data: Uint8Array,
): void {
  const frames: Uint8Array[] = [];
  let ahead = first;
  let kind = kinds.start;
  let fields: readonly number[] = [...wholeFields, data.length];
  for (let start = 0; start < data.length; ) {
    const roomBytes = maxBodyBytes - 4 * fields.length - ahead.length;
    const part = data.subarray(start, start + roomBytes);
    frames.push(encodeAlone({ ahead, kind, fields, data: part }));
    start += part.length;
    ahead = nothing;
    kind = kinds.part;
    fields = partFields;
  }
  lane.pushBody(frames, framesAhead(first));
}

function framesAhead({ length }: Uint8Array): number {
  return length === 0 ? 0 : 1;
}

function lengthOf({ fields, data }: Frame): number {
  return frameHeaderBytes + 4 * fields.length + data.length;
}

/** A frame, after the one ahead of it, in memory of its own, which its lane can use again. */
function encodeAlone(frame: Frame): Uint8Array {
  const bytes = frame.ahead.length + lengthOf(frame);
  const target = takeSlab(bytes).subarray(0, bytes);
  writeFrame(target, 0, frame);
  return target;
}

function writeFrame(target: Uint8Array, start: number, { ahead, kind, fields, data }: Frame): void {
  target.set(ahead, start);
  const offset = start + ahead.length;
  writeFrameHeader(target, offset, kind, 4 * fields.length + data.length);
  let position = offset + frameHeaderBytes;
  for (const field of fields) {
    writeUint32(target, field, position);
    position += 4;
  }
  target.set(data, position);
}
