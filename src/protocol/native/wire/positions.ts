import { readUint64, writeUint64 } from "./frame.ts";
import type { Positions } from "./lanes.ts";

/** A u64 for each lane, as hellos, proofs and acknowledgements have them. */
export const positionsBytes = 24;

export function encodePositions([messages, requests, answers]: Positions): Uint8Array {
  const bytes = new Uint8Array(positionsBytes);
  writeUint64(bytes, messages, 0);
  writeUint64(bytes, requests, 8);
  writeUint64(bytes, answers, 16);
  return bytes;
}

/** @throws PeerError `ERR_FRAME_INVALID` for a number of 2^53 or more. */
export function decodePositions(bytes: Uint8Array): Positions {
  return [readUint64(bytes, 0), readUint64(bytes, 8), readUint64(bytes, 16)];
}
