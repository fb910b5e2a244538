import { highestFrameBytes } from "./frame.ts";

/** 4 MiB. More is left to the garbage collector. */
const mostSlabs = 64;
const free: Uint8Array[] = [];

/** A whole slab, whose bytes are anything. */
export function takeSlab(): Uint8Array {
  return free.pop() ?? new Uint8Array(highestFrameBytes);
}

/** It is nobody's any more: large memory costs more to get anew than to fill. */
export function giveSlab(slab: Uint8Array): void {
  if (free.length < mostSlabs) free.push(slab);
}
