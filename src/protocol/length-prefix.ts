import { PeerError } from "../errors.ts";
import type { Received } from "./memory.ts";
import type { ReceiveBuffer } from "./receive-buffer.ts";

/** The length before each frame's payload: big-endian, 4 bytes. */
export const lengthBytes = 4;

/** The payload sizes that a frame may have, and the error for a larger one. */
export interface FrameBounds {
  readonly minBytes: number;
  readonly maxBytes: number;
  tooLarge(payloadBytes: number): PeerError;
}

/**
 * The payload of the next frame, once all of it is there. The length is checked as soon as it has arrived, before
 * memory is allocated for the rest.
 *
 * The payload is valid until the next call, see {@link ReceiveBuffer.borrow}. If it spans chunks, it is copied into
 * `scratch`, if given, which has `bounds.maxBytes` bytes.
 *
 * Source: spec/protocol.md, "Frame".
 *
 * @throws PeerError `ERR_FRAME_TOO_SHORT`, or the error of `bounds.tooLarge`.
 */
export function readFrame(
  buffer: ReceiveBuffer,
  bounds: FrameBounds,
  scratch?: Uint8Array,
): Received | undefined {
  if (buffer.length < lengthBytes) return undefined;
  const payloadBytes = buffer.peekUint32();
  if (payloadBytes < bounds.minBytes) {
    throw new PeerError(
      "ERR_FRAME_TOO_SHORT",
      `a frame of ${payloadBytes} bytes arrived; the min is ${bounds.minBytes}`,
    );
  }
  if (payloadBytes > bounds.maxBytes) throw bounds.tooLarge(payloadBytes);
  if (buffer.length < lengthBytes + payloadBytes) return undefined;
  buffer.skip(lengthBytes);
  return buffer.borrow(payloadBytes, scratch);
}
