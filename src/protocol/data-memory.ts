import type { Received } from "./memory.ts";

/** Data of up to this many bytes share a slab. */
const maxSharedBytes = 2_048;
/** Small, as one message that the application keeps keeps all of it. */
const slabBytes = 8_192;
/** The first small data of a peer have memory of their own: one that sends a few, or nothing any more, takes no slab. */
const aloneAtFirst = 8;

/** One for all that have none yet. Nobody is given it. */
const noSlab = new Uint8Array(0);

/** Whether data, as a {@link DataMemory} gives them, share their buffer with others. */
export function isShared({ length, buffer }: Uint8Array): boolean {
  return length === 0 || (length <= maxSharedBytes && buffer.byteLength !== length);
}

/**
 * Where the data of one peer's messages lie when they are handed to the application, which may do with them what it
 * likes: nothing that is still to be read is in there, nor anything of another peer's. Only small data share their memory
 * with each other, because memory of its own for each would cost more than everything else that is done with it. Such a
 * buffer must not be transferred to another thread: that would take it from the others.
 */
export class DataMemory {
  #slab: Uint8Array = noSlab;
  #used = 0;
  #alone = aloneAtFirst;
  /** A buffer of its own for each message without data would be the largest thing about it. */
  #nothing: Uint8Array | undefined;

  /** The bytes of `record` from `start` to `end`. A record is given to one of these only, and its bytes do not change. */
  own(record: Received, start: number, end: number): Uint8Array {
    const { bytes, owned } = record;
    if (end - start > maxSharedBytes)
      return owned && isAlone(bytes, start, end) ? bytes.subarray(start) : bytes.slice(start, end);
    if (start === end) return this.#empty();
    if (this.#alone > 0) {
      this.#alone -= 1;
      return bytes.slice(start, end);
    }
    const isCopied = record.copy !== undefined && record.copy.end >= end;
    // A slab that was taken away all the same has no bytes any more, and the record still has those to come.
    if (!isCopied || this.#slab.length === 0) this.#copy(record, start, end);
    const { start: copyStart, at } = record.copy as NonNullable<Received["copy"]>;
    return this.#slab.subarray(at + start - copyStart, at + end - copyStart);
  }

  #empty(): Uint8Array {
    this.#nothing ??= new Uint8Array(0);
    try {
      return new Uint8Array(this.#nothing.buffer);
    } catch {
      // It was taken away all the same.
      this.#nothing = new Uint8Array(0);
      return new Uint8Array(this.#nothing.buffer);
    }
  }

  /** Copies what comes next too, as far as there is room: many messages that lie in one record are copied in one call. */
  #copy(record: Received, start: number, end: number): void {
    const { bytes } = record;
    if (this.#slab.length - this.#used < end - start) {
      this.#slab = new Uint8Array(slabBytes);
      this.#used = 0;
    }
    const roomBytes = this.#slab.length - this.#used;
    const whole = bytes.length <= roomBytes;
    const copyStart = whole ? 0 : start;
    const copyEnd = whole ? bytes.length : Math.min(bytes.length, start + roomBytes);
    this.#slab.set(whole ? bytes : bytes.subarray(copyStart, copyEnd), this.#used);
    record.copy = { start: copyStart, end: copyEnd, at: this.#used };
    this.#used += copyEnd - copyStart;
  }
}

/** What can come before the data in a frame that is all there is in its record. */
const maxHeaderBytes = 12;

function isAlone(bytes: Uint8Array, start: number, end: number): boolean {
  return start <= maxHeaderBytes && end === bytes.length;
}
