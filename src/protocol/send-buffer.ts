import { release } from "./memory.ts";
import { copyParts, lengthOfParts } from "./parts.ts";

/**
 * Frames that may share one write with others are gathered up to this size. 32 KiB is what Linux takes into a Unix
 * socket as one piece: golang-ipc v1.0.0 reads a message body with a single read, and so gets it whole.
 */
export const batchBytes = 32_768;
const smallestBatchBytes = 1_024;
/** A frame that is larger leaves in several writes. */
const maxWriteBytes = 262_144;
const nothing: Uint8Array[] = [];

/**
 * Frames on their way out, as the writes they will leave in. Small ones share a write, in which there are whole frames
 * only; a large one has its write to itself, or several, and is not copied.
 */
export class SendBuffer {
  /** Full writes, oldest first: each an array of parts that leave in one system call. */
  #writes: Uint8Array[][] = [];
  #batch: Uint8Array | undefined;
  #batchUsed = 0;
  /** The size the last batch reached: a good first guess for the next. */
  #batchGuess = smallestBatchBytes;
  #length = 0;
  /** The write that was taken last: not ours until it is returned. */
  #leaving: Uint8Array[] = [];

  /** Bytes that are not yet taken. */
  get length(): number {
    return this.#length;
  }

  /**
   * Room for a frame of `count` bytes behind those before it. Nothing is reserved: the caller fills all of it, and then
   * calls {@link commit}. Only for frames of at most {@link batchBytes}.
   */
  roomFor(count: number): Uint8Array {
    if (this.#batchUsed + count > batchBytes) this.#sealBatch();
    const batch = this.#batchOf(this.#batchUsed + count);
    return batch.subarray(this.#batchUsed, this.#batchUsed + count);
  }

  /** The frame of `count` bytes that was written where there was room for it is to be sent. */
  commit(count: number): void {
    this.#batchUsed += count;
    this.#length += count;
  }

  /** A frame in parts, which are the buffer's from now on. */
  push(parts: Uint8Array[]): void {
    const count = lengthOfParts(parts);
    if (count > batchBytes) {
      this.#sealBatch();
      if (count <= maxWriteBytes) this.#writes.push(parts);
      else this.#pushInSlices(parts);
      this.#length += count;
      return;
    }
    copyParts(parts, this.roomFor(count));
    this.commit(count);
  }

  /** Bytes that must leave in a write of their own, such as a part of the handshake. The buffer keeps them. */
  pushAlone(bytes: Uint8Array): void {
    this.#sealBatch();
    this.#writes.push([bytes]);
    this.#length += bytes.length;
  }

  /** The parts of the next write, or none. Their memory is the caller's until it calls {@link returnTaken}. */
  take(): Uint8Array[] {
    if (this.#writes.length === 0) this.#sealBatch();
    const parts = this.#writes.length > 0 ? (this.#writes.shift() as Uint8Array[]) : nothing;
    this.#leaving = parts;
    for (const part of parts) this.#length -= part.length;
    return parts;
  }

  /** Nobody reads what was taken last any more: its memory is freed. */
  returnTaken(): void {
    for (const part of this.#leaving) release(part);
    this.#leaving = nothing;
  }

  clear(): void {
    this.#writes = [];
    this.#batch = undefined;
    this.#batchUsed = 0;
    this.#length = 0;
  }

  /** A large frame's parts, cut where a write would be so large that nobody could see a slow peer's progress in it. */
  #pushInSlices(parts: readonly Uint8Array[]): void {
    let write: Uint8Array[] = [];
    let room = maxWriteBytes;
    for (const part of parts) {
      for (let start = 0; start < part.length; ) {
        const slice = part.subarray(start, start + room);
        write.push(slice);
        start += slice.length;
        room -= slice.length;
        if (room > 0) continue;
        this.#writes.push(write);
        write = [];
        room = maxWriteBytes;
      }
    }
    if (write.length > 0) this.#writes.push(write);
  }

  #batchOf(count: number): Uint8Array {
    const batch = this.#batch;
    if (batch !== undefined && batch.length >= count) return batch;
    let capacity = Math.max(batch === undefined ? this.#batchGuess : batch.length * 2, smallestBatchBytes);
    while (capacity < count) capacity *= 2;
    const grown = new Uint8Array(capacity);
    if (batch !== undefined) grown.set(batch.subarray(0, this.#batchUsed));
    this.#batch = grown;
    return grown;
  }

  #sealBatch(): void {
    if (this.#batch === undefined) return;
    this.#writes.push([this.#batch.subarray(0, this.#batchUsed)]);
    this.#batchGuess = this.#batch.length;
    if (this.#batchUsed * 4 < this.#batchGuess) this.#batchGuess /= 2;
    this.#batch = undefined;
    this.#batchUsed = 0;
  }
}
