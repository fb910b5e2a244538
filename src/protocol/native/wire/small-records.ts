import { nextBatchSize } from "../../batch-size.ts";
import { type Aead, aeadNonceBytes, type BatchAead, maxBatchedBytes } from "../../crypto-provider.ts";
import { secretMemory } from "../../secret-memory.ts";

/** So many small records in a row have a cipher of their own first: who sends a few, or now and then, needs no more. */
const singleRecords = 16;

/** Writes the nonce of the record of that number at that place. */
export type WriteNonce = (target: Uint8Array, offset: number, recordNumber: number) => void;

/**
 * Runs of small records in one direction, such as requests and answers that follow each other. Their nonces are known
 * before they are, so that the cipher is called once for many.
 */
export class SmallRecords {
  readonly #aead: Aead;
  readonly #writeNonce: WriteNonce;
  /** Made for the first run. */
  #batch: BatchAead | undefined;
  #singles = 0;
  #count = 0;
  /** The longest record since nonces were last prepared, and the longest that they are prepared for. */
  #longest = 0;
  #preparedBytes = 0;

  constructor(aead: Aead, writeNonce: WriteNonce) {
    this.#aead = aead;
    this.#writeNonce = writeNonce;
  }

  /**
   * What to seal or open the next record with, of so many bytes of frames; nothing where it is none for this. Asked for
   * every record: those that are for this use up the nonces in turn.
   */
  take(recordNumber: number, frameBytes: number): BatchAead | undefined {
    if (frameBytes > maxBatchedBytes) {
      this.#singles = 0;
      this.#batch?.drop();
      return undefined;
    }
    if (this.#singles < singleRecords) {
      this.#singles += 1;
      return undefined;
    }
    this.#batch ??= this.#aead.createBatch("known");
    if (this.#batch === undefined) return undefined;
    if (frameBytes > this.#longest) this.#longest = frameBytes;
    if (this.#batch.prepared === 0 || frameBytes > this.#preparedBytes)
      this.#prepare(this.#batch, recordNumber);
    return this.#batch;
  }

  /** Not the cipher that it was made with. A later call for a record that is for this throws, once that is wiped too. */
  wipe(): void {
    this.#batch?.wipe();
  }

  #prepare(batch: BatchAead, recordNumber: number): void {
    this.#count = nextBatchSize(this.#count, this.#longest);
    const nonces = secretMemory(this.#count * aeadNonceBytes);
    for (let index = 0; index < this.#count; index++) {
      this.#writeNonce(nonces, index * aeadNonceBytes, recordNumber + index);
    }
    batch.prepare(nonces, this.#longest, recordNumber);
    // They come from the IV, which is a secret.
    nonces.fill(0);
    this.#preparedBytes = this.#longest;
    this.#longest = 0;
  }
}
