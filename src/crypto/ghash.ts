import { maxBatchedBytes } from "../protocol/crypto-provider.ts";
import { secretMemory } from "../protocol/secret-memory.ts";
import { ghashModule } from "./ghash-module.ts";

const blockBytes = 16;
const blockWords = 4;
/** Two tables of 16 products: one for the high half of a byte, one for the low. */
const powerBytes = 2 * 16 * blockBytes;
const lowTable = 16 * blockWords;

/** Blocks of the longest input: those of the longest batched message. */
export const maxInputBlocks = maxBatchedBytes / blockBytes;
/** Powers of the key that can be needed: blocks of zeros may follow the input. */
const maxPowers = maxInputBlocks + 2;

/** The layout of the module's memory. */
const resultAt = 0;
const inputAt = 64;
const slotsAt = 2_048;
const slotBytes = maxPowers * powerBytes;
const slots = 32;

/** The part of WebAssembly's interface that is needed here. Only the types of browsers declare it, not Node's. */
interface WebAssemblyInterface {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  digest(tables: number, input: number, end: number, result: number): void;
}

interface Engine extends Exports {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  /** Whose tables are in each slot. If another's are there, a `Ghash` copies its own back in. */
  readonly owners: (Ghash | undefined)[];
  nextSlot: number;
}

/** Four 32-bit words: a block as an element of GCM's field. Its first bit is the highest bit of the first word. */
type Element = Int32Array;

/** Created when it is first needed; `null` if it cannot be. */
let engine: Engine | null | undefined;

/**
 * GHASH (NIST SP 800-38D, 6.4) of a few blocks under one key, in WebAssembly.
 *
 * Each block is multiplied by its own power of the key and the products are added up. So table lookups use only bytes
 * of the input, which for GCM is the ciphertext: which memory is read depends on nothing secret. The usual method,
 * block after block, would use intermediate results for lookups.
 */
export class Ghash {
  readonly #engine: Engine;
  /** For each power of the key, from the first: its products with every half of a byte. */
  #tables: Uint8Array = new Uint8Array(0);
  #powers = 0;
  #slot = 0;
  readonly #key = makeElement();
  readonly #highest = makeElement();
  /**
   * The blocks to hash are written here, as bytes or as words. All instances share this memory, so hash the blocks
   * before another instance is used.
   */
  readonly input: Uint8Array;
  readonly inputWords: Int32Array;

  /**
   * False if the runtime has no WebAssembly, such as Node with `--jitless`, or has it without vector instructions.
   */
  static get isAvailable(): boolean {
    return theEngine() !== null;
  }

  /** Call only if {@link isAvailable}. */
  constructor(key: Uint8Array) {
    this.#engine = theEngine() as Engine;
    const { buffer } = this.#engine.memory;
    this.input = new Uint8Array(buffer, inputAt, maxInputBlocks * blockBytes);
    this.inputWords = new Int32Array(buffer, inputAt, maxInputBlocks * blockWords);
    const view = new DataView(key.buffer, key.byteOffset, blockBytes);
    for (let word = 0; word < blockWords; word++) this.#key[word] = view.getInt32(4 * word);
    this.#highest.set(this.#key);
  }

  /** Prepares for inputs of `blocks` blocks, including the zeros after them: at most {@link maxPowers}. */
  reserve(blocks: number): void {
    if (blocks <= this.#powers) return;
    const tables = new Uint8Array(blocks * powerBytes);
    tables.set(this.#tables);
    for (let power = this.#powers; power < blocks; power++) {
      if (power > 0) multiply(this.#highest, this.#key);
      writeTables(new DataView(tables.buffer, power * powerBytes, powerBytes), this.#highest);
    }
    this.#tables.fill(0);
    this.#tables = tables;
    this.#powers = blocks;
    this.#moveOut();
  }

  /**
   * Writes the hash of the first `blocks` blocks of {@link input}, followed by `zeroBlocks` blocks of zeros, to
   * `result`: four words, whose bytes are in the order of a block's. All of these blocks must have been reserved.
   */
  digest(blocks: number, result: Int32Array, zeroBlocks = 0): void {
    if (blocks === 0) {
      result.fill(0);
      return;
    }
    const { words, owners } = this.#engine;
    if (owners[this.#slot] !== this) this.#moveIn();
    const tables = slotsAt + this.#slot * slotBytes + (zeroBlocks + blocks - 1) * powerBytes;
    this.#engine.digest(tables, inputAt, inputAt + blocks * blockBytes, resultAt);
    for (let word = 0; word < blockWords; word++) result[word] = words[resultAt / 4 + word] as number;
  }

  /** Overwrites the key, all that is derived from it, and the last input. Nothing can be hashed afterwards. */
  wipe(): void {
    this.#moveOut();
    this.#tables.fill(0);
    this.#key.fill(0);
    this.#highest.fill(0);
    this.#powers = 0;
    this.#engine.bytes.fill(0, resultAt, slotsAt);
  }

  #moveOut(): void {
    const { bytes, owners } = this.#engine;
    if (owners[this.#slot] !== this) return;
    owners[this.#slot] = undefined;
    const start = slotsAt + this.#slot * slotBytes;
    bytes.fill(0, start, start + slotBytes);
  }

  #moveIn(): void {
    const { owners, bytes, nextSlot } = this.#engine;
    const before = owners[nextSlot];
    if (before !== undefined) before.#moveOut();
    bytes.set(this.#tables, slotsAt + nextSlot * slotBytes);
    owners[nextSlot] = this;
    this.#slot = nextSlot;
    this.#engine.nextSlot = (nextSlot + 1) % slots;
  }
}

function theEngine(): Engine | null {
  if (engine === undefined) engine = makeEngine();
  return engine;
}

function makeEngine(): Engine | null {
  const { WebAssembly } = globalThis as { readonly WebAssembly?: WebAssemblyInterface };
  if (WebAssembly === undefined) return null;
  try {
    const module = new WebAssembly.Module(Buffer.from(ghashModule, "base64"));
    const { memory, digest } = new WebAssembly.Instance(module).exports as Exports;
    const bytes = new Uint8Array(memory.buffer);
    const words = new Int32Array(memory.buffer);
    return { memory, digest, bytes, words, owners: Array(slots).fill(undefined), nextSlot: 0 };
  } catch {
    return null;
  }
}

function makeElement(): Element {
  return new Int32Array(secretMemory(blockBytes).buffer);
}

/** The products of `element` with each half of a byte: first as the byte's high half, then as its low one. */
function writeTables(target: DataView, element: Element): void {
  const shifted = makeElement();
  shifted.set(element);
  for (let bit = 0; bit < 8; bit++) {
    const table = bit < 4 ? 0 : lowTable;
    const mask = 8 >> (bit & 3);
    for (let half = 0; half < 16; half++) {
      if ((half & mask) === 0) continue;
      for (let word = 0; word < blockWords; word++) {
        const at = 4 * (table + half * blockWords + word);
        target.setInt32(at, target.getInt32(at) ^ (shifted[word] as number));
      }
    }
    timesX(shifted);
  }
  shifted.fill(0);
}

/**
 * Multiplies `one` in place. Neither memory accesses nor branches depend on the elements: both are secret. Their bits
 * are kept in no other objects, so that all can be overwritten.
 */
function multiply(one: Element, other: Element): void {
  const product = makeElement();
  const shifted = makeElement();
  shifted.set(other);
  for (let bit = 0; bit < 128; bit++) {
    const mask = -(((one[bit >> 5] as number) >>> (31 - (bit & 31))) & 1);
    for (let word = 0; word < blockWords; word++) {
      product[word] = (product[word] as number) ^ ((shifted[word] as number) & mask);
    }
    timesX(shifted);
  }
  one.set(product);
  product.fill(0);
  shifted.fill(0);
}

function timesX(element: Element): void {
  const carry = -((element[3] as number) & 1) & 0xe1000000;
  for (let word = 3; word > 0; word--) {
    element[word] = ((element[word] as number) >>> 1) | ((element[word - 1] as number) << 31);
  }
  element[0] = ((element[0] as number) >>> 1) ^ carry;
}
