const slabBytes = 16_384;
const maxBytes = 2_048;

let slab = new Uint8Array(0);
let used = 0;

/**
 * Memory for something small on its way out, cut from a larger piece: separate memory for each would cost more than
 * everything else that is done with it. Its `buffer` is shared, so none of it is ever handed to an application.
 */
export function takeSmall(count: number): Uint8Array {
  if (count > maxBytes) return new Uint8Array(count);
  if (used + count > slab.length) {
    slab = new Uint8Array(slabBytes);
    used = 0;
  }
  const piece = slab.subarray(used, used + count);
  used += count;
  return piece;
}
