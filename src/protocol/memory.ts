/** Bytes that have arrived, and whose memory they lie in. */
export interface Received {
  readonly bytes: Uint8Array;
  /**
   * True if the memory is the taker's, and holds nothing else: it can be kept, handed to the application, or released.
   * False if it is lent: the bytes are valid until the next call to what lent them, and must be copied to be kept.
   */
  readonly owned: boolean;
  /** The part of it that was copied last for the application, from `at` of a slab. */
  copy?: { readonly start: number; readonly end: number; readonly at: number };
}

/** Freeing less than this at once costs more than leaving it to the garbage collector. */
export const minReleasedBytes = 16_384;

/**
 * Frees the memory of `bytes` at once, if the engine can. The caller owns that memory: nobody else has it, least of all
 * the system on behalf of a transport. Without this the garbage collector runs after every few megabytes, and what comes
 * after finds only memory that is cold.
 *
 * Memory that `bytes` shows only a part of is left alone: the rest may be somebody else's.
 */
export function release(bytes: Uint8Array): void {
  if (bytes.length < minReleasedBytes || bytes.length !== bytes.buffer.byteLength) return;
  (bytes.buffer as Transferable).transfer?.(0);
}

/** What can come before a message's data in the memory that it arrived in: the lengths and numbers in front of it. */
const maxHeaderBytes = 12;

/**
 * The same for the data of a message, where its headers are all else that its memory holds: nothing is behind it, and
 * before it there is no room for anybody's data.
 */
export function releaseData({ buffer, byteOffset, length }: Uint8Array): void {
  if (byteOffset <= maxHeaderBytes && byteOffset + length === buffer.byteLength) {
    release(new Uint8Array(buffer));
  }
}

/** An `ArrayBuffer`, as engines have it that know ES2024: Node from 22. */
interface Transferable {
  /** Moves what it has into a new buffer, of so many bytes, and keeps none of it. */
  transfer?(bytes: number): ArrayBuffer;
}
