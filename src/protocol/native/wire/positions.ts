import { readUint64, writeUint64 } from "./frame.ts";
import type { Positions } from "./lanes.ts";

/** The bytes of one position, of which acknowledgements and proofs have one for each lane. */
export const positionBytes = 8;
/** Those of the lanes that every end has, as a hello has them. */
export const positionsBytes = 24;

export function encodePositions(positions: Positions): Uint8Array {
  const bytes = new Uint8Array(positionBytes * positions.length);
  positions.forEach((position, lane) => {
    writeUint64(bytes, position as number, positionBytes * lane);
  });
  return bytes;
}

/** The caller has seen that there are as many. @throws PeerError `ERR_FRAME_INVALID` for a number of 2^53 or more. */
export function decodePositions(bytes: Uint8Array, lanes: 3 | 4 = 3): Positions {
  const first = [readUint64(bytes, 0), readUint64(bytes, 8), readUint64(bytes, 16)] as const;
  return lanes === 3 ? first : [...first, readUint64(bytes, positionsBytes)];
}
