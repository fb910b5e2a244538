const blockBytes = 16;
/** Two tables of 16 products of four words: one for the high half of a byte, one for the low. */
const powerWords = 2 * 16 * 4;
const lowTable = 16 * 4;

/** Four 32-bit words: a block as an element of GCM's field, its first bit the highest of the first word. */
type Element = readonly [number, number, number, number];

/**
 * GHASH (NIST SP 800-38D, 6.4) of a few blocks under one key.
 *
 * Each block is multiplied by its own power of the key and the products are added up. So tables are only ever looked up
 * by bytes of the input, which for GCM is the ciphertext: which memory is read depends on nothing that is secret. The
 * usual way, block after block, would look them up by intermediate results.
 */
export class Ghash {
  /** For each power of the key, from the first: the products of it and every half of a byte. */
  #tables = new Int32Array(0);
  #powers = 0;
  readonly #key: Element;
  #highest: Element;

  constructor(key: Uint8Array) {
    const view = new DataView(key.buffer, key.byteOffset, blockBytes);
    this.#key = [view.getInt32(0), view.getInt32(4), view.getInt32(8), view.getInt32(12)];
    this.#highest = this.#key;
  }

  /** Makes ready for inputs of so many blocks. */
  reserve(blocks: number): void {
    if (blocks <= this.#powers) return;
    const tables = new Int32Array(blocks * powerWords);
    tables.set(this.#tables);
    for (let power = this.#powers; power < blocks; power++) {
      if (power > 0) this.#highest = multiply(this.#highest, this.#key);
      fillTables(tables.subarray(power * powerWords, (power + 1) * powerWords), this.#highest);
    }
    this.#tables = tables;
    this.#powers = blocks;
  }

  /**
   * Writes the hash of the first `blocks` blocks of `input`, with so many blocks of zeros behind them, to `result`: four
   * words. As many blocks as all of them have been reserved.
   */
  digest(input: Uint8Array, blocks: number, result: Int32Array, zeroBlocks = 0): void {
    const tables = this.#tables;
    const last = zeroBlocks * powerWords;
    const first = last + (blocks - 1) * powerWords;
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    // From the last byte of all blocks to the first: what is behind is multiplied by x^8 for each step.
    for (let position = blockBytes - 1; position >= 0; position--) {
      const carry = d << 24;
      d = (d >>> 8) | (c << 24);
      c = (c >>> 8) | (b << 24);
      b = (b >>> 8) | (a << 24);
      a = (a >>> 8) ^ carry ^ (carry >>> 1) ^ (carry >>> 2) ^ (carry >>> 7);
      for (let table = first, at = position; table >= last; table -= powerWords, at += blockBytes) {
        const byte = input[at] as number;
        const high = table + ((byte >>> 4) << 2);
        const low = table + lowTable + ((byte & 15) << 2);
        a ^= (tables[high] as number) ^ (tables[low] as number);
        b ^= (tables[high + 1] as number) ^ (tables[low + 1] as number);
        c ^= (tables[high + 2] as number) ^ (tables[low + 2] as number);
        d ^= (tables[high + 3] as number) ^ (tables[low + 3] as number);
      }
    }
    result[0] = a;
    result[1] = b;
    result[2] = c;
    result[3] = d;
  }
}

/** The products of `element` with each half of a byte: first as the byte's high half, then as its low one. */
function fillTables(tables: Int32Array, element: Element): void {
  let shifted = element;
  for (let bit = 0; bit < 8; bit++) {
    const table = bit < 4 ? 0 : lowTable;
    const mask = 8 >> (bit & 3);
    for (let half = 0; half < 16; half++) {
      if ((half & mask) === 0) continue;
      for (let word = 0; word < 4; word++) {
        const at = table + half * 4 + word;
        tables[at] = (tables[at] as number) ^ (shifted[word] as number);
      }
    }
    shifted = timesX(shifted);
  }
}

/** Neither what is read nor what is done depends on the elements: both are secret. */
function multiply(one: Element, other: Element): Element {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let shifted = other;
  for (let bit = 0; bit < 128; bit++) {
    const mask = -(((one[bit >> 5] as number) >>> (31 - (bit & 31))) & 1);
    a ^= shifted[0] & mask;
    b ^= shifted[1] & mask;
    c ^= shifted[2] & mask;
    d ^= shifted[3] & mask;
    shifted = timesX(shifted);
  }
  return [a, b, c, d];
}

function timesX([a, b, c, d]: Element): Element {
  const carry = -(d & 1) & 0xe1000000;
  return [(a >>> 1) ^ carry, (b >>> 1) | (a << 31), (c >>> 1) | (b << 31), (d >>> 1) | (c << 31)];
}
