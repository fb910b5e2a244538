/** Of less, to give it back costs more than it brings. */
export const leastReleasedBytes = 16_384;

/**
 * Gives the memory of `bytes` back at once, where the engine can: nobody may look at it any more. What is left to the
 * garbage collector makes it run after every few megabytes, and what comes after finds only memory that is cold.
 *
 * Memory that `bytes` shows only a part of is left alone: the rest may be somebody else's.
 */
export function release(bytes: Uint8Array): void {
  if (bytes.length < leastReleasedBytes || bytes.length !== bytes.buffer.byteLength) return;
  (bytes.buffer as Transferable).transfer?.(0);
}

/** What can come before a message's data in the memory that it arrived in: the lengths and numbers in front of it. */
const highestHeaderBytes = 12;

/**
 * The same for the data of a message, where its headers are all else that its memory holds: nothing is behind it, and
 * before it there is no room for anybody's data.
 */
export function releaseData({ buffer, byteOffset, length }: Uint8Array): void {
  if (byteOffset <= highestHeaderBytes && byteOffset + length === buffer.byteLength) {
    release(new Uint8Array(buffer));
  }
}

/** An `ArrayBuffer`, as engines have it that know ES2024: Node from 22. */
interface Transferable {
  /** Moves what it has into a new buffer, of so many bytes, and keeps none of it. */
  transfer?(bytes: number): ArrayBuffer;
}
