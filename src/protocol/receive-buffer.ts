import { readUint32 } from "./integers.ts";
import { minReleasedBytes, type Received, release } from "./memory.ts";

/** A chunk smaller than this is copied into a block that it shares with its neighbours. */
const smallChunkBytes = 2_048;
const blockBytes = 16_384;
const noBytes = new Uint8Array(0);

/**
 * Chunks as they arrived, read as one run of bytes. Bytes within one chunk are returned as a view of it; only bytes
 * that span chunks are copied.
 *
 * Small chunks are gathered into blocks, because a peer that sends a large frame one byte at a time would otherwise
 * cost an object for each byte.
 */
export class ReceiveBuffer {
  #chunks: Uint8Array[] = [];
  /** Bytes of the first chunk that are already read. */
  #offset = 0;
  #length = 0;
  /** The last chunk's block, if that chunk is a block with room left, and how many of its bytes are used. */
  #block: Uint8Array | undefined;
  #blockUsed = 0;
  /** Chunks that are read completely. The last result may be a view of one, so the next call releases them. */
  #spent: Uint8Array[] = [];

  /** Bytes that have arrived and are not read yet. */
  get length(): number {
    return this.#length;
  }

  /** The unread bytes of the oldest chunk, to look ahead. */
  get firstChunk(): Uint8Array {
    const first = this.#chunks[0];
    return first === undefined ? noBytes : first.subarray(this.#offset);
  }

  /** From now on the chunk belongs to the buffer, which frees its memory once everything in it is read. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    // Larger chunks go into a block, too, as far as it has room: otherwise, between small ones, blocks would stay
    // nearly empty.
    const room = this.#block === undefined ? 0 : this.#block.length - this.#blockUsed;
    if (this.#length === 0 || chunk.length >= Math.max(smallChunkBytes, room + 1)) {
      this.#chunks.push(chunk);
      this.#block = undefined;
    } else {
      this.#gather(chunk);
    }
    this.#length += chunk.length;
  }

  /** The next four bytes as a big-endian number, left in place. The caller has checked that they are there. */
  peekUint32(): number {
    const first = this.#chunks[0];
    if (first !== undefined && first.length - this.#offset >= 4) return readUint32(first, this.#offset);
    let value = 0;
    for (let index = 0; index < 4; index++) value = value * 256 + this.#byteAt(index);
    return value;
  }

  /** The next `count` bytes, in memory of their own. The caller has checked that they are there. */
  take(count: number): Uint8Array {
    const { bytes, owned } = this.borrow(count);
    return owned ? bytes : bytes.slice();
  }

  /**
   * The next `count` bytes, valid until the next call that reads or skips any, unless they had to be copied: then the
   * caller owns them or, if it passes a `scratch` of at least that size, they are in there. The caller has checked
   * that they are there.
   */
  borrow(count: number, scratch?: Uint8Array): Received {
    this.#releaseSpent();
    const first = this.#chunks[0];
    if (first === undefined || first.length - this.#offset < count) {
      return { bytes: this.#copyOut(count, scratch), owned: scratch === undefined };
    }
    const bytes = first.subarray(this.#offset, this.#offset + count);
    this.#advance(count);
    return { bytes, owned: false };
  }

  /** Drops the next `count` bytes. The caller has checked that they are there. */
  skip(count: number): void {
    this.#releaseSpent();
    this.#advance(count);
  }

  clear(): void {
    this.#chunks = [];
    this.#offset = 0;
    this.#length = 0;
    this.#block = undefined;
    this.#spent = [];
  }

  #releaseSpent(): void {
    if (this.#spent.length === 0) return;
    for (const chunk of this.#spent) release(chunk);
    this.#spent = [];
  }

  #advance(count: number): void {
    this.#length -= count;
    this.#offset += count;
    let spent = 0;
    for (let chunk = this.#chunks[0]; chunk !== undefined && this.#offset >= chunk.length; ) {
      this.#offset -= chunk.length;
      if (chunk.length >= minReleasedBytes) this.#spent.push(chunk);
      spent += 1;
      chunk = this.#chunks[spent];
    }
    if (spent === this.#chunks.length) this.#chunks = [];
    else if (spent > 0) this.#chunks.splice(0, spent);
    if (this.#chunks.length === 0) this.#block = undefined;
  }

  #gather(chunk: Uint8Array): void {
    const block = this.#block;
    if (block === undefined || block.length - this.#blockUsed < chunk.length) {
      const fresh = new Uint8Array(blockBytes);
      fresh.set(chunk);
      this.#block = fresh;
      this.#blockUsed = chunk.length;
      this.#chunks.push(fresh.subarray(0, chunk.length));
      return;
    }
    block.set(chunk, this.#blockUsed);
    this.#blockUsed += chunk.length;
    this.#chunks[this.#chunks.length - 1] = block.subarray(0, this.#blockUsed);
  }

  #byteAt(index: number): number {
    let position = this.#offset + index;
    for (const chunk of this.#chunks) {
      if (position < chunk.length) return chunk[position] as number;
      position -= chunk.length;
    }
    throw new RangeError("the buffer has fewer bytes than requested");
  }

  #copyOut(count: number, scratch?: Uint8Array): Uint8Array {
    if (count > this.#length) throw new RangeError("the buffer has fewer bytes than requested");
    const bytes = scratch?.subarray(0, count) ?? new Uint8Array(count);
    let filled = 0;
    let start = this.#offset;
    for (const chunk of this.#chunks) {
      const part = chunk.subarray(start, start + count - filled);
      bytes.set(part, filled);
      filled += part.length;
      start = 0;
      if (filled === count) break;
    }
    this.#advance(count);
    return bytes;
  }
}
