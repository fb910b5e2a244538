import { aeadNonceBytes, aeadTagBytes, type BatchAead } from "../protocol/crypto-provider.ts";
import { takeSmall } from "../protocol/slab.ts";
import { Ghash } from "./ghash.ts";

const blockBytes = 16;
const nonceWords = aeadNonceBytes / 4;
const blockWords = blockBytes / 4;
const noBytes = new Uint8Array(0);
/** Additional data come first in the input of GHASH, and have this much room. */
const additionalBlocks = 1;
/** The input of GHASH ends with a block that holds the lengths. */
const lengthBlocks = 1;

/**
 * AES-GCM (NIST SP 800-38D) for many short messages. A cipher object of the platform costs more to make than such a
 * message to encrypt, and GCM wants a new one for each. Here one object encrypts the counter blocks of a whole batch in
 * one call, and the rest, an XOR and GHASH, is done in place.
 *
 * AES itself stays the platform's. What is done here reads memory by lengths and ciphertext alone, see {@link Ghash},
 * and compares tags without an early end.
 */
export class BatchGcm implements BatchAead {
  readonly #encryptBlocks: (blocks: Uint8Array) => Uint8Array;
  /** Of the nonce in front of a sealed message. */
  readonly #carriedBytes: number;
  #ghash: Ghash | undefined;
  readonly #hash = new Int32Array(4);
  /** Ciphertext, padded to whole blocks, and the block of lengths: what is hashed. */
  #hashed = new Uint8Array(0);
  #nonces = new Uint8Array(0);
  #counters = new Int32Array(0);
  #keystream: Uint8Array = new Uint8Array(0);
  /** Of a message's keystream: the first block hides the tag, the others the plaintext. */
  #messageBlocks = 0;
  #count = 0;
  #used = 0;

  /** `encryptBlocks`: AES under the key, of each block for itself. */
  constructor(encryptBlocks: (blocks: Uint8Array) => Uint8Array, carriedNonceBytes: number) {
    this.#encryptBlocks = encryptBlocks;
    this.#carriedBytes = carriedNonceBytes;
  }

  get prepared(): number {
    return this.#count - this.#used;
  }

  prepare(nonces: Uint8Array, mostPlaintextBytes: number): void {
    const count = nonces.length / aeadNonceBytes;
    const messageBlocks = 1 + Math.ceil(mostPlaintextBytes / blockBytes);
    this.#ghash ??= new Ghash(this.#encryptBlocks(new Uint8Array(blockBytes)));
    this.#ghash.reserve(additionalBlocks + messageBlocks - 1 + lengthBlocks);
    if (messageBlocks !== this.#messageBlocks) {
      this.#hashed = new Uint8Array((additionalBlocks + messageBlocks + lengthBlocks) * blockBytes);
    }
    // A copy, so that it is aligned and its bytes can be moved by fours.
    this.#nonces = Uint8Array.from(nonces);
    this.#keystream = this.#encryptBlocks(this.#counterBlocks(count, messageBlocks));
    this.#messageBlocks = messageBlocks;
    this.#count = count;
    this.#used = 0;
  }

  sealNext(plaintext: readonly Uint8Array[], target: Uint8Array, additionalData = noBytes): void {
    const carriedBytes = this.#carriedBytes;
    const count = target.length - carriedBytes - aeadTagBytes;
    const start = this.#takeNext(count);
    const keystream = this.#keystream;
    for (let at = 0; at < carriedBytes; at++) target[at] = this.#nonceByte(at);
    let at = carriedBytes;
    let key = start + blockBytes;
    for (const part of plaintext) {
      for (let index = 0; index < part.length; index++, at++, key++) {
        target[at] = (part[index] as number) ^ (keystream[key] as number);
      }
    }
    this.#digest(target, count, additionalData);
    for (let index = 0; index < aeadTagBytes; index++, at++) target[at] = this.#tagByte(start, index);
  }

  openNext(sealed: Uint8Array, additionalData = noBytes): Uint8Array | undefined {
    const carriedBytes = this.#carriedBytes;
    const count = sealed.length - carriedBytes - aeadTagBytes;
    const start = this.#takeNext(count);
    this.#digest(sealed, count, additionalData);
    const tag = carriedBytes + count;
    let difference = 0;
    for (let index = 0; index < aeadTagBytes; index++) {
      difference |= (sealed[tag + index] as number) ^ this.#tagByte(start, index);
    }
    if (difference !== 0) return undefined;
    const keystream = this.#keystream;
    const plaintext = takeSmall(count);
    for (let index = 0, key = start + blockBytes; index < count; index++, key++) {
      plaintext[index] = (sealed[carriedBytes + index] as number) ^ (keystream[key] as number);
    }
    return plaintext;
  }

  drop(): void {
    this.#count = 0;
    this.#used = 0;
  }

  /** Each nonce with 1, 2, 3 … behind it. */
  #counterBlocks(count: number, messageBlocks: number): Uint8Array {
    const words = count * messageBlocks * blockWords;
    if (this.#counters.length !== words || this.#messageBlocks !== messageBlocks) {
      this.#counters = numberedBlocks(count, messageBlocks);
    }
    const counters = this.#counters;
    const nonces = new Int32Array(this.#nonces.buffer);
    for (let message = 0, at = 0; message < count; message++) {
      const first = nonces[message * nonceWords] as number;
      const second = nonces[message * nonceWords + 1] as number;
      const third = nonces[message * nonceWords + 2] as number;
      for (let block = 0; block < messageBlocks; block++, at += blockWords) {
        counters[at] = first;
        counters[at + 1] = second;
        counters[at + 2] = third;
      }
    }
    return new Uint8Array(counters.buffer);
  }

  /** Where the next message's keystream starts. Never the same twice. */
  #takeNext(count: number): number {
    if (this.#used >= this.#count) throw new RangeError("no nonce is prepared");
    if (count > (this.#messageBlocks - 1) * blockBytes) {
      throw new RangeError("the message is longer than was prepared for");
    }
    this.#used += 1;
    return (this.#used - 1) * this.#messageBlocks * blockBytes;
  }

  #nonceByte(index: number): number {
    return this.#nonces[(this.#used - 1) * aeadNonceBytes + index] as number;
  }

  /** The hash of the additional data, and of the ciphertext behind the nonce in `sealed`. */
  #digest(sealed: Uint8Array, count: number, additionalData: Uint8Array): void {
    const hashed = this.#hashed;
    const additionalBytes = additionalData.length;
    if (additionalBytes > additionalBlocks * blockBytes) throw new RangeError("too long additional data");
    const start = additionalBytes === 0 ? 0 : blockBytes;
    for (let index = 0; index < additionalBytes; index++) hashed[index] = additionalData[index] as number;
    hashed.fill(0, additionalBytes, start);
    const from = this.#carriedBytes;
    for (let index = 0; index < count; index++) hashed[start + index] = sealed[from + index] as number;
    const end = start + Math.ceil(count / blockBytes) * blockBytes;
    // Two numbers of bits, of eight bytes each, and few enough that one byte and two can hold them.
    hashed.fill(0, start + count, end + blockBytes);
    hashed[end + 7] = additionalBytes << 3;
    hashed[end + blockBytes - 2] = count >>> 5;
    hashed[end + blockBytes - 1] = count << 3;
    (this.#ghash as Ghash).digest(hashed, end / blockBytes + lengthBlocks, this.#hash);
  }

  #tagByte(start: number, index: number): number {
    const word = this.#hash[index >> 2] as number;
    return ((word >>> (24 - ((index & 3) << 3))) & 0xff) ^ (this.#keystream[start + index] as number);
  }
}

function numberedBlocks(count: number, messageBlocks: number): Int32Array<ArrayBuffer> {
  const counters = new Int32Array(count * messageBlocks * blockWords);
  const view = new DataView(counters.buffer);
  for (let block = 0; block < count * messageBlocks; block++) {
    view.setUint32(block * blockBytes + aeadNonceBytes, 1 + (block % messageBlocks));
  }
  return counters;
}
