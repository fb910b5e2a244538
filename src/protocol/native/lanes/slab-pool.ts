import { release } from "../../memory.ts";

const stepBytes = 16_384;
const maxBytes = 4_194_304;
const free = new Map<number, Uint8Array[]>();
let freeBytes = 0;

/** Memory of at least `minBytes` bytes; all of it is zero. */
export function takeSlab(minBytes: number): Uint8Array {
  const bytes = Math.ceil(minBytes / stepBytes) * stepBytes;
  const slab = free.get(bytes)?.pop();
  if (slab === undefined) return new Uint8Array(bytes);
  freeBytes -= bytes;
  return slab;
}

/**
 * Returns a slab to the pool: large memory costs more to allocate than to fill. `used` is the part of it, from its
 * start, that was written to. It is wiped, so that nothing that was sent on one connection is ever in the memory of
 * another.
 */
export function giveSlab(used: Uint8Array): void {
  used.fill(0);
  const slab = new Uint8Array(used.buffer);
  if (freeBytes + slab.length > maxBytes) {
    release(slab);
    return;
  }
  freeBytes += slab.length;
  const others = free.get(slab.length);
  if (others === undefined) free.set(slab.length, [slab]);
  else others.push(slab);
}
