import { nextBatchSize } from "../batch-size.ts";
import { type Aead, type BatchAead, type CryptoProvider, maxBatchedBytes } from "../crypto-provider.ts";
import { lengthOfParts } from "../parts.ts";

/** The first messages get a cipher object each: a connection that sends only a few needs no batch. */
const singleMessages = 16;

/** Seals the short messages of a connection that sends many of them, with nonces drawn for several at a time. */
export class SealingBatch {
  readonly #aead: Aead;
  readonly #crypto: CryptoProvider;
  /** Created when it is first needed. */
  #batch: BatchAead | undefined;
  #singles = 0;
  #nonces = 0;
  /** The longest plaintext since nonces were last drawn, and the longest that the batch is prepared for. */
  #longest = 0;
  #preparedBytes = 0;

  constructor(aead: Aead, crypto: CryptoProvider) {
    this.#aead = aead;
    this.#crypto = crypto;
  }

  /** False if the message is too long or too early for a batch; then nothing was written. */
  seal(target: Uint8Array, plaintext: readonly Uint8Array[]): boolean {
    const count = lengthOfParts(plaintext);
    if (count > maxBatchedBytes) return false;
    if (this.#singles < singleMessages) {
      this.#singles += 1;
      return false;
    }
    this.#batch ??= this.#aead.createBatch("carried");
    if (this.#batch === undefined) return false;
    if (count > this.#longest) this.#longest = count;
    if (this.#batch.prepared === 0 || count > this.#preparedBytes) this.#prepare(this.#batch, count);
    this.#batch.sealNext(plaintext, target);
    return true;
  }

  /** Not the cipher that it was made with. */
  wipe(): void {
    this.#batch?.wipe();
  }

  #prepare(batch: BatchAead, count: number): void {
    this.#nonces = nextBatchSize(this.#nonces, this.#longest);
    batch.prepare(this.#crypto.randomNonces(this.#nonces), this.#longest);
    this.#preparedBytes = this.#longest;
    this.#longest = count;
  }
}
