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
  /** Ciphertext, padded to whole blocks. */
  #hashed = new Uint8Array(0);
  /** The rest of what is hashed of a message, which for those of one length is the same: its share of the hash. */
  readonly #rest = new Int32Array(4);
  readonly #restAdditional = new Uint8Array(additionalBlocks * blockBytes);
  #restAdditionalBytes = 0;
  #restCount = -1;
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
      this.#hashed = new Uint8Array(messageBlocks * blockBytes);
    }
    // A copy, so that it is aligned and its bytes can be moved by fours.
    this.#nonces = nonces.slice();
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
    const hashed = this.#hashed;
    let hashedBytes = 0;
    for (const part of plaintext) {
      for (let index = 0; index < part.length; index++, at++, key++, hashedBytes++) {
        const byte = (part[index] as number) ^ (keystream[key] as number);
        target[at] = byte;
        hashed[hashedBytes] = byte;
      }
    }
    this.#digest(count, additionalData);
    for (let index = 0; index < aeadTagBytes; index++, at++) target[at] = this.#tagByte(start, index);
  }

  openNext(sealed: Uint8Array, additionalData = noBytes): Uint8Array | undefined {
    const carriedBytes = this.#carriedBytes;
    const count = sealed.length - carriedBytes - aeadTagBytes;
    const start = this.#takeNext(count);
    const keystream = this.#keystream;
    const hashed = this.#hashed;
    const plaintext = takeSmall(count);
    for (let index = 0, key = start + blockBytes; index < count; index++, key++) {
      const byte = sealed[carriedBytes + index] as number;
      hashed[index] = byte;
      plaintext[index] = byte ^ (keystream[key] as number);
    }
    this.#digest(count, additionalData);
    const tag = carriedBytes + count;
    let difference = 0;
    for (let index = 0; index < aeadTagBytes; index++) {
      difference |= (sealed[tag + index] as number) ^ this.#tagByte(start, index);
    }
    return difference === 0 ? plaintext : undefined;
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

  /** The hash of the additional data, the first `count` bytes of `#hashed`, and the lengths of both. */
  #digest(count: number, additionalData: Uint8Array): void {
    if (!this.#isRestOf(count, additionalData)) this.#hashRest(count, additionalData);
    const hash = this.#hash;
    const blocks = Math.ceil(count / blockBytes);
    for (let index = count; index < blocks * blockBytes; index++) this.#hashed[index] = 0;
    (this.#ghash as Ghash).digest(this.#hashed, blocks, hash, lengthBlocks);
    addTo(hash, this.#rest);
  }

  #isRestOf(count: number, additionalData: Uint8Array): boolean {
    if (count !== this.#restCount || additionalData.length !== this.#restAdditionalBytes) return false;
    for (let index = 0; index < additionalData.length; index++) {
      if (additionalData[index] !== this.#restAdditional[index]) return false;
    }
    return true;
  }

  /** The hash is linear: what stands for itself can be hashed with zeros in the place of the ciphertext, and added. */
  #hashRest(count: number, additionalData: Uint8Array): void {
    const additionalBytes = additionalData.length;
    if (additionalBytes > additionalBlocks * blockBytes) throw new RangeError("too long additional data");
    const ghash = this.#ghash as Ghash;
    const block = new Uint8Array(blockBytes);
    // Two numbers of bits, of eight bytes each, and few enough that one byte and two can hold them.
    block[7] = additionalBytes << 3;
    block[14] = count >>> 5;
    block[15] = count << 3;
    ghash.digest(block, lengthBlocks, this.#rest);
    if (additionalBytes > 0) {
      block.fill(0);
      block.set(additionalData);
      ghash.digest(block, additionalBlocks, this.#hash, Math.ceil(count / blockBytes) + lengthBlocks);
      addTo(this.#rest, this.#hash);
    }
    this.#restAdditional.set(additionalData);
    this.#restAdditionalBytes = additionalBytes;
    this.#restCount = count;
  }

  #tagByte(start: number, index: number): number {
    const word = this.#hash[index >> 2] as number;
    return ((word >>> (24 - ((index & 3) << 3))) & 0xff) ^ (this.#keystream[start + index] as number);
  }
}

/** In GCM's field, whose elements are of four words. */
function addTo(sum: Int32Array, element: Int32Array): void {
  for (let word = 0; word < 4; word++) sum[word] = (sum[word] as number) ^ (element[word] as number);
}

function numberedBlocks(count: number, messageBlocks: number): Int32Array<ArrayBuffer> {
  const counters = new Int32Array(count * messageBlocks * blockWords);
  const view = new DataView(counters.buffer);
  for (let block = 0; block < count * messageBlocks; block++) {
    view.setUint32(block * blockBytes + aeadNonceBytes, 1 + (block % messageBlocks));
  }
  return counters;
}
