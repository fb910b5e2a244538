import { PeerError } from "../../errors.ts";
import type { Received } from "../memory.ts";
import type { ReceiveBuffer } from "../receive-buffer.ts";

/** The length before each frame's payload, and the type before each message's data: big-endian, 4 bytes each. */
export const lengthBytes = 4;
export const typeBytes = 4;

/** The payload sizes a frame may have, and what to say of one that is larger. */
export interface FrameBounds {
  readonly leastBytes: number;
  readonly mostBytes: number;
  tooLarge(payloadBytes: number): PeerError;
}

/**
 * The payload of the next frame, once all of it is there. The length is checked as soon as it has arrived, before
 * anything is kept for the rest.
 *
 * It is lent until the next call, see {@link ReceiveBuffer.borrow}. A payload that spans chunks is put into `scratch`, if
 * there is one: it has `bounds.mostBytes`.
 *
 * Source: spec/protocol.md, "Frame".
 *
 * @throws PeerError `ERR_FRAME_TOO_SHORT`, or what `bounds.tooLarge` makes.
 */
export function readFrame(
  buffer: ReceiveBuffer,
  bounds: FrameBounds,
  scratch?: Uint8Array,
): Received | undefined {
  if (buffer.length < lengthBytes) return undefined;
  const payloadBytes = buffer.peekUint32();
  if (payloadBytes < bounds.leastBytes) {
    throw new PeerError(
      "ERR_FRAME_TOO_SHORT",
      `a frame of ${payloadBytes} bytes arrived where the least is ${bounds.leastBytes}`,
    );
  }
  if (payloadBytes > bounds.mostBytes) throw bounds.tooLarge(payloadBytes);
  if (buffer.length < lengthBytes + payloadBytes) return undefined;
  buffer.skip(lengthBytes);
  return buffer.borrow(payloadBytes, scratch);
}

export function writeUint32(target: Uint8Array, value: number, offset: number): void {
  target[offset] = value >>> 24;
  target[offset + 1] = value >>> 16;
  target[offset + 2] = value >>> 8;
  target[offset + 3] = value;
}

export function readUint32(source: Uint8Array, offset: number): number {
  const high = (source[offset] as number) * 0x1000000;
  const low =
    ((source[offset + 1] as number) << 16) |
    ((source[offset + 2] as number) << 8) |
    (source[offset + 3] as number);
  return high + low;
}

/** One number as its four bytes. */
export function encodeUint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  writeUint32(bytes, value, 0);
  return bytes;
}
