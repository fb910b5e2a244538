import { release } from "../memory.ts";

const stepBytes = 16_384;
const mostBytes = 4_194_304;
const free = new Map<number, Uint8Array[]>();
let freeBytes = 0;

/** Memory of at least so many bytes, which are anything. */
export function takeSlab(leastBytes: number): Uint8Array {
  const bytes = Math.ceil(leastBytes / stepBytes) * stepBytes;
  const slab = free.get(bytes)?.pop();
  if (slab === undefined) return new Uint8Array(bytes);
  freeBytes -= bytes;
  return slab;
}

/** A slab, or what is left of one from its start, is nobody's any more: large memory costs more to get than to fill. */
export function giveSlab({ buffer }: Uint8Array): void {
  const slab = new Uint8Array(buffer);
  if (freeBytes + slab.length > mostBytes) {
    release(slab);
    return;
  }
  freeBytes += slab.length;
  const others = free.get(slab.length);
  if (others === undefined) free.set(slab.length, [slab]);
  else others.push(slab);
}
