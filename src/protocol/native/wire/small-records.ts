import { nextBatchSize } from "../../batch-size.ts";
import { type Aead, aeadNonceBytes, type BatchAead, maxBatchedBytes } from "../../crypto-provider.ts";
import { secretMemory } from "../../secret-memory.ts";

/** The first small records in a row get a cipher object each: a peer that sends only a few needs no batch. */
const singleRecords = 16;

/** Writes the nonce of the record with that number at `offset`. */
export type WriteNonce = (target: Uint8Array, offset: number, recordNumber: number) => void;

/**
 * Runs of small records in one direction, such as requests and answers that follow each other. Their nonces are known
 * in advance, so the cipher is called once for many.
 */
export class SmallRecords {
  readonly #aead: Aead;
  readonly #writeNonce: WriteNonce;
  /** Created for the first run. */
  #batch: BatchAead | undefined;
  #singles = 0;
  #count = 0;
  /** The longest record since nonces were last prepared, and the longest that the batch is prepared for. */
  #longest = 0;
  #preparedBytes = 0;

  constructor(aead: Aead, writeNonce: WriteNonce) {
    this.#aead = aead;
    this.#writeNonce = writeNonce;
  }

  /**
   * The batch with which to seal or open the next record, of `frameBytes` bytes of frames; `undefined` if the record
   * is not for a batch. Call it for every record: the records for which it returns the batch use the nonces in turn.
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

  /**
   * Wipes the batch, not the AEAD that it was created with. Once that is wiped, too, a later call for a small record
   * throws.
   */
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
    // The nonces are derived from the IV, which is a secret.
    nonces.fill(0);
    this.#preparedBytes = this.#longest;
    this.#longest = 0;
  }
}
