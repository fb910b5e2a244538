import {
  aeadNonceBytes,
  aeadTagBytes,
  type BatchAead,
  maxBatchedBytes,
} from "../protocol/crypto-provider.ts";
import { secretCopy, secretMemory } from "../protocol/secret-memory.ts";
import { Ghash } from "./ghash.ts";

const blockBytes = 16;
const nonceWords = aeadNonceBytes / 4;
const blockWords = blockBytes / 4;
const noBytes = new Uint8Array(0);
/** Additional data come first in the input of GHASH, in at most this many blocks. */
const additionalBlocks = 1;
/** The input of GHASH ends with a block that holds the lengths. */
const lengthBlocks = 1;
/** Up to this many bytes are copied faster by a loop than by a call. */
const fewBytes = 32;

/** AES under one key, each block on its own. */
export interface BlockCipher {
  /** Returns the encrypted blocks, in memory that belongs to the caller. */
  encrypt(blocks: Uint8Array): Uint8Array;
  /** Forgets the key. A later call to encrypt throws. */
  wipe(): void;
}

/**
 * AES-GCM (NIST SP 800-38D) for many short messages. To create one of the platform's cipher objects costs more than
 * to encrypt such a message, and GCM needs a new one for each. Here one object encrypts the counter blocks of a whole
 * batch in one call, and the rest, an XOR and GHASH, is done in place.
 *
 * AES itself stays the platform's. Which memory this code reads depends on lengths and ciphertext alone, see
 * {@link Ghash}, and it compares tags without an early exit.
 */
export class BatchGcm implements BatchAead {
  readonly #cipher: BlockCipher;
  /** Length of the nonce in front of a sealed message. */
  readonly #carriedBytes: number;
  #ghash: Ghash | undefined;
  readonly #hash = new Int32Array(secretMemory(blockBytes).buffer);
  /** The bytes of `#hash`: once XORed with the first block of a message's keystream, they are its tag. */
  readonly #tag = new Uint8Array(this.#hash.buffer);
  /** The hash of everything but the ciphertext, which is the same for messages of one length and additional data. */
  readonly #rest = new Int32Array(secretMemory(blockBytes).buffer);
  readonly #restAdditional = new Uint8Array(additionalBlocks * blockBytes);
  #restAdditionalBytes = 0;
  #restCount = -1;
  #nonces = new Uint8Array(0);
  #counters = new Int32Array(0);
  #keystream = new Int32Array(0);
  /** Blocks of keystream for each message: the first covers the tag, the others the plaintext. */
  #messageBlocks = 0;
  #count = 0;
  #used = 0;
  /** Receives the plaintext when a message is opened. */
  #plaintext = secretMemory(0);
  /** The number of the record that the next nonce is for, if records are numbered. */
  #nextRecord: number | undefined;

  constructor(cipher: BlockCipher, carriedNonceBytes: number) {
    this.#cipher = cipher;
    this.#carriedBytes = carriedNonceBytes;
  }

  /** Whether the runtime has what {@link Ghash} needs. */
  static get isAvailable(): boolean {
    return Ghash.isAvailable;
  }

  get prepared(): number {
    return this.#count - this.#used;
  }

  prepare(nonces: Uint8Array, maxPlaintextBytes: number, firstRecord?: number): void {
    if (maxPlaintextBytes > maxBatchedBytes)
      throw new RangeError(`a batched message has at most ${maxBatchedBytes} bytes`);
    const count = nonces.length / aeadNonceBytes;
    const messageBlocks = 1 + Math.ceil(maxPlaintextBytes / blockBytes);
    this.#ghash ??= this.#makeGhash();
    this.#ghash.reserve(additionalBlocks + messageBlocks - 1 + lengthBlocks);
    this.#wipePrepared();
    // A copy, because it is aligned: `#counterBlocks` reads it as 32-bit words.
    this.#nonces = secretCopy(nonces);
    this.#keystream = wordsOf(this.#cipher.encrypt(this.#counterBlocks(count, messageBlocks)));
    this.#messageBlocks = messageBlocks;
    this.#count = count;
    this.#used = 0;
    this.#nextRecord = firstRecord;
  }

  sealNext(
    plaintext: readonly Uint8Array[],
    target: Uint8Array,
    additionalBytes = 0,
    recordNumber?: number,
  ): void {
    const carriedBytes = this.#carriedBytes;
    const start = additionalBytes + carriedBytes;
    const count = target.length - start - aeadTagBytes;
    const key = this.#takeNext(count, recordNumber);
    const { input, inputWords } = this.#readyFor(count, target, additionalBytes);
    for (let index = 0; index < carriedBytes; index++)
      target[additionalBytes + index] = this.#nonceByte(index);
    let filled = 0;
    for (const part of plaintext) {
      move(part, 0, input, filled, part.length);
      filled += part.length;
    }
    this.#cover(inputWords, key, count);
    move(input, 0, target, start, count);
    this.#makeTag(input, key, count);
    for (let index = 0; index < aeadTagBytes; index++)
      target[start + count + index] = this.#tag[index] as number;
  }

  openNext(sealed: Uint8Array, additionalData = noBytes, recordNumber?: number): Uint8Array | undefined {
    const start = this.#carriedBytes;
    const count = sealed.length - start - aeadTagBytes;
    const key = this.#takeNext(count, recordNumber);
    const { input, inputWords } = this.#readyFor(count, additionalData, additionalData.length);
    move(sealed, start, input, 0, count);
    this.#makeTag(input, key, count);
    let difference = 0;
    for (let index = 0; index < start; index++) {
      difference |= (sealed[index] as number) ^ this.#nonceByte(index);
    }
    for (let index = 0; index < aeadTagBytes; index++) {
      difference |= (sealed[start + count + index] as number) ^ (this.#tag[index] as number);
    }
    if (difference !== 0) return undefined;
    this.#cover(inputWords, key, count);
    if (this.#plaintext.length < count) {
      this.#plaintext.fill(0);
      this.#plaintext = secretMemory(this.#messageBlocks * blockBytes);
    }
    const plaintext = this.#plaintext.subarray(0, count);
    move(input, 0, plaintext, 0, count);
    return plaintext;
  }

  drop(): void {
    this.#count = 0;
    this.#used = 0;
  }

  wipe(): void {
    this.drop();
    this.#wipePrepared();
    this.#counters.fill(0);
    this.#plaintext.fill(0);
    this.#hash.fill(0);
    this.#rest.fill(0);
    this.#restCount = -1;
    this.#ghash?.wipe();
    this.#cipher.wipe();
  }

  /** The key of the hash is an encrypted block of zeros. */
  #makeGhash(): Ghash {
    const key = this.#cipher.encrypt(new Uint8Array(blockBytes));
    const ghash = new Ghash(key);
    key.fill(0);
    return ghash;
  }

  #wipePrepared(): void {
    this.#keystream.fill(0);
    this.#nonces.fill(0);
  }

  /** Each nonce followed by 1, 2, 3 …, one block for each. */
  #counterBlocks(count: number, messageBlocks: number): Uint8Array {
    const words = count * messageBlocks * blockWords;
    if (this.#counters.length !== words || this.#messageBlocks !== messageBlocks) {
      this.#counters.fill(0);
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

  /** The index of the word at which the next message's keystream starts. Never the same twice. */
  #takeNext(count: number, recordNumber: number | undefined): number {
    if (this.#used >= this.#count) throw new RangeError("no nonce is prepared");
    if (recordNumber !== this.#nextRecord) throw new RangeError("the next nonce is for another record");
    if (count > (this.#messageBlocks - 1) * blockBytes) {
      throw new RangeError("the message is longer than the prepared keystream");
    }
    this.#used += 1;
    if (recordNumber !== undefined) this.#nextRecord = recordNumber + 1;
    return (this.#used - 1) * this.#messageBlocks * blockWords;
  }

  #nonceByte(index: number): number {
    return this.#nonces[(this.#used - 1) * aeadNonceBytes + index] as number;
  }

  /** XORs the keystream with `count` bytes of `words`. */
  #cover(words: Int32Array, key: number, count: number): void {
    const keystream = this.#keystream;
    const end = (count + 3) >> 2;
    for (let at = 0, from = key + blockWords; at < end; at++, from++) {
      words[at] = (words[at] as number) ^ (keystream[from] as number);
    }
  }

  /** Computes the tag of `count` bytes of ciphertext in `input`. */
  #makeTag(input: Uint8Array, key: number, count: number): void {
    const hash = this.#hash;
    const blocks = Math.ceil(count / blockBytes);
    for (let index = count; index < blocks * blockBytes; index++) input[index] = 0;
    (this.#ghash as Ghash).digest(blocks, hash, lengthBlocks);
    for (let word = 0; word < blockWords; word++) {
      hash[word] =
        (hash[word] as number) ^ (this.#rest[word] as number) ^ (this.#keystream[key + word] as number);
    }
  }

  /** Prepares to hash `count` bytes of ciphertext, with the first bytes of `start` as additional data. */
  #readyFor(count: number, start: Uint8Array, additionalBytes: number): Ghash {
    if (!this.#isRestOf(count, start, additionalBytes)) this.#hashRest(count, start, additionalBytes);
    return this.#ghash as Ghash;
  }

  #isRestOf(count: number, start: Uint8Array, additionalBytes: number): boolean {
    if (count !== this.#restCount || additionalBytes !== this.#restAdditionalBytes) return false;
    for (let index = 0; index < additionalBytes; index++) {
      if (start[index] !== this.#restAdditional[index]) return false;
    }
    return true;
  }

  /**
   * The hash is linear: additional data and lengths are hashed once, with zeros in place of the ciphertext, and
   * added.
   */
  #hashRest(count: number, start: Uint8Array, additionalBytes: number): void {
    if (additionalBytes > additionalBlocks * blockBytes)
      throw new RangeError("the additional data are too long");
    const ghash = this.#ghash as Ghash;
    const { input } = ghash;
    const rest = this.#rest;
    input.fill(0, 0, blockBytes);
    // Two numbers of bits, in eight bytes each. They are small: one byte and two hold them.
    input[7] = additionalBytes << 3;
    input[14] = count >>> 5;
    input[15] = count << 3;
    ghash.digest(lengthBlocks, rest);
    if (additionalBytes > 0) {
      input.fill(0, 0, blockBytes);
      for (let index = 0; index < additionalBytes; index++) input[index] = start[index] as number;
      this.#restAdditional.set(input.subarray(0, blockBytes));
      ghash.digest(additionalBlocks, this.#hash, Math.ceil(count / blockBytes) + lengthBlocks);
      for (let word = 0; word < blockWords; word++) {
        rest[word] = (rest[word] as number) ^ (this.#hash[word] as number);
      }
    }
    this.#restAdditionalBytes = additionalBytes;
    this.#restCount = count;
  }
}

function move(from: Uint8Array, start: number, to: Uint8Array, at: number, count: number): void {
  if (count > fewBytes) {
    to.set(start === 0 && count === from.length ? from : from.subarray(start, start + count), at);
    return;
  }
  for (let index = 0; index < count; index++) to[at + index] = from[start + index] as number;
}

/**
 * Bytes as words in the machine's byte order. If unaligned bytes have to be copied for that, the originals are wiped.
 */
function wordsOf(bytes: Uint8Array): Int32Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = bytes;
  if (byteOffset % 4 === 0) return new Int32Array(buffer as ArrayBuffer, byteOffset, length / 4);
  const words = new Int32Array(buffer.slice(byteOffset, byteOffset + length) as ArrayBuffer);
  bytes.fill(0);
  return words;
}

function numberedBlocks(count: number, messageBlocks: number): Int32Array<ArrayBuffer> {
  const counters = new Int32Array(count * messageBlocks * blockWords);
  const view = new DataView(counters.buffer);
  for (let block = 0; block < count * messageBlocks; block++) {
    view.setUint32(block * blockBytes + aeadNonceBytes, 1 + (block % messageBlocks));
  }
  return counters;
}
