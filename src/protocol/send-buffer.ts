import { release } from "./memory.ts";
import { copyParts, lengthOfParts } from "./parts.ts";

/**
 * Frames that may share a write are gathered up to this size. Linux puts 32 KiB into a Unix socket in one piece:
 * golang-ipc v1.0.0 reads a message body with a single read, and so gets it whole.
 */
export const batchBytes = 32_768;
const smallestBatchBytes = 1_024;
/** A larger frame leaves in several writes. */
const maxWriteBytes = 262_144;
const nothing: Uint8Array[] = [];

/**
 * Frames on their way out, arranged in writes. Small ones share a write, which has only whole frames; a large one has
 * a write to itself, or several, and is not copied.
 */
export class SendBuffer {
  /** Full writes, oldest first: each an array of parts that leave in one system call. */
  #writes: Uint8Array[][] = [];
  #batch: Uint8Array | undefined;
  #batchUsed = 0;
  /** The size the last batch reached: a good first guess for the next. */
  #batchGuess = smallestBatchBytes;
  #length = 0;
  /** The write that `take` returned last: it belongs to the caller until it is returned. */
  #leaving: Uint8Array[] = [];

  /** Bytes that `take` has yet to return. */
  get length(): number {
    return this.#length;
  }

  /**
   * Room for a frame of `count` bytes, at most {@link batchBytes}, after the previous frames. Nothing is reserved:
   * the caller fills all of it, and then calls {@link commit}.
   */
  roomFor(count: number): Uint8Array {
    if (this.#batchUsed + count > batchBytes) this.#sealBatch();
    const batch = this.#batchOf(this.#batchUsed + count);
    return batch.subarray(this.#batchUsed, this.#batchUsed + count);
  }

  /** Queues the frame of `count` bytes that was written to {@link roomFor}. */
  commit(count: number): void {
    this.#batchUsed += count;
    this.#length += count;
  }

  /** Queues a frame in parts, which belong to the buffer from now on. */
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

  /** Queues bytes that must leave in a write of their own, such as a part of the handshake. The buffer keeps them. */
  pushAlone(bytes: Uint8Array): void {
    this.#sealBatch();
    this.#writes.push([bytes]);
    this.#length += bytes.length;
  }

  /** The parts of the next write, or none. Their memory belongs to the caller until it calls {@link returnTaken}. */
  take(): Uint8Array[] {
    if (this.#writes.length === 0) this.#sealBatch();
    const parts = this.#writes.length > 0 ? (this.#writes.shift() as Uint8Array[]) : nothing;
    this.#leaving = parts;
    for (const part of parts) this.#length -= part.length;
    return parts;
  }

  /** Nobody reads the last write any more: its memory is freed. */
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

  /** Cuts a large frame's parts into several writes: in a single one a slow peer's progress could not be seen. */
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
