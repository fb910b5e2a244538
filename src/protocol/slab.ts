const slabBytes = 16_384;
const mostBytes = 2_048;

let slab = new Uint8Array(0);
let used = 0;

/**
 * Memory for a small result: cut from a larger piece, because a piece of its own for each costs more than all else that
 * is done with it. It is zero, or nearly always, and nobody else's, but its `buffer` is shared.
 */
export function takeSmall(count: number): Uint8Array {
  if (count > mostBytes) return new Uint8Array(count);
  if (used + count > slab.length) {
    slab = new Uint8Array(slabBytes);
    used = 0;
  }
  const piece = slab.subarray(used, used + count);
  used += count;
  return piece;
}
