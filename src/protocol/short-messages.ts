import { nextBatchSize } from "./batch-size.ts";
import { type Aead, type BatchAead, maxBatchedBytes } from "./crypto-provider.ts";

/** The first short messages get a cipher object each: who sends only a few needs no batch. */
const singleMessages = 16;

/** Where the nonces of messages come from. */
export interface Nonces {
  /** "known" to the peer, one for each number, or "carried" in front of each message. */
  readonly kind: "known" | "carried";
  /** Those of so many messages, of which the first has that number. The caller overwrites them. */
  draw(count: number, firstNumber: number | undefined): Uint8Array;
}

/**
 * Short messages that follow each other in one direction, such as requests and answers. Their nonces are chosen in
 * advance, so the cipher is called once for many.
 */
export class ShortMessages {
  readonly #aead: Aead;
  readonly #nonces: Nonces;
  /** Created when it is first needed. */
  #batch: BatchAead | undefined;
  #singles = 0;
  #count = 0;
  /** The longest message since nonces were last drawn, and the longest that the batch is prepared for. */
  #longest = 0;
  #preparedBytes = 0;

  constructor(aead: Aead, nonces: Nonces) {
    this.#aead = aead;
    this.#nonces = nonces;
  }

  /**
   * The batch with which to seal or open the next message, of `bytes` bytes; `undefined` if the message is too long or too
   * early for one. Call it for every message, with its `number` if the nonces are known: those for which it returns the
   * batch use the nonces in turn.
   */
  take(bytes: number, number?: number): BatchAead | undefined {
    if (bytes > maxBatchedBytes) {
      if (this.#nonces.kind === "known") this.#skip();
      return undefined;
    }
    if (this.#singles < singleMessages) {
      this.#singles += 1;
      return undefined;
    }
    this.#batch ??= this.#aead.createBatch(this.#nonces.kind);
    if (this.#batch === undefined) return undefined;
    if (bytes > this.#longest) this.#longest = bytes;
    if (this.#batch.prepared === 0 || bytes > this.#preparedBytes) this.#prepare(this.#batch, number);
    return this.#batch;
  }

  /**
   * Wipes the batch, not the AEAD that it was created with. Once that is wiped, too, a later call for a short message
   * throws.
   */
  wipe(): void {
    this.#batch?.wipe();
  }

  /** The number that comes next is used by a message outside the batch. */
  #skip(): void {
    this.#singles = 0;
    this.#batch?.drop();
  }

  #prepare(batch: BatchAead, firstNumber: number | undefined): void {
    this.#count = nextBatchSize(this.#count, this.#longest);
    const nonces = this.#nonces.draw(this.#count, firstNumber);
    batch.prepare(nonces, this.#longest, firstNumber);
    // Those that are known come from an IV, which is a secret.
    nonces.fill(0);
    this.#preparedBytes = this.#longest;
    this.#longest = 0;
  }
}
