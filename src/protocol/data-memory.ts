import type { Received } from "./memory.ts";

/** Data of up to this many bytes share a slab. */
const maxSharedBytes = 2_048;
/** Small, because one message that the application keeps retains the whole slab. */
const slabBytes = 8_192;
/** The first small data of a peer have memory of their own: a peer that sends only a few messages needs no slab. */
const aloneAtFirst = 8;

/** Shared by all instances that have no slab yet. Never handed out. */
const noSlab = new Uint8Array(0);

/** Whether data from a {@link DataMemory} share their buffer with others. */
export function isShared({ length, buffer }: Uint8Array): boolean {
  return length === 0 || (length <= maxSharedBytes && buffer.byteLength !== length);
}

/**
 * The memory in which one peer's message data are handed to the application. The application may do anything with it:
 * it contains nothing that is still to be read, nor anything of another peer's. Only small data share memory with
 * each other, because separate memory for each would cost more than everything else that is done with them. Such a
 * buffer must not be transferred to another thread: that would take it from the other messages.
 */
export class DataMemory {
  #slab: Uint8Array = noSlab;
  #used = 0;
  #alone = aloneAtFirst;
  /** Shared by all messages without data: a buffer for each would be the largest part of such a message. */
  #nothing: Uint8Array | undefined;

  /** The bytes of `record` from `start` to `end`. Only one instance sees a record, and its bytes do not change. */
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
    // If the application transferred the slab all the same, it is empty now; the record still has its bytes.
    if (!isCopied || this.#slab.length === 0) this.#copy(record, start, end);
    const { start: copyStart, at } = record.copy as NonNullable<Received["copy"]>;
    return this.#slab.subarray(at + start - copyStart, at + end - copyStart);
  }

  #empty(): Uint8Array {
    this.#nothing ??= new Uint8Array(0);
    try {
      return new Uint8Array(this.#nothing.buffer);
    } catch {
      // The application transferred it all the same.
      this.#nothing = new Uint8Array(0);
      return new Uint8Array(this.#nothing.buffer);
    }
  }

  /** Also copies what follows, as far as there is room: many messages in one record are copied in one call. */
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

/** Most bytes before the data in a record that has only one frame. */
const maxHeaderBytes = 12;

function isAlone(bytes: Uint8Array, start: number, end: number): boolean {
  return start <= maxHeaderBytes && end === bytes.length;
}
