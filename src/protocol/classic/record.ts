import { PeerError } from "../../errors.ts";
import { type Aead, aeadNonceBytes, aeadTagBytes, type CryptoProvider } from "../crypto-provider.ts";
import type { Received } from "../memory.ts";
import { copyParts } from "../parts.ts";
import type { ReceiveBuffer } from "../receive-buffer.ts";
import { OpeningBatch } from "./opening-batch.ts";
import { SealingBatch } from "./sealing-batch.ts";

/** What sealing adds to a payload: the nonce before it and the tag behind it. */
export const sealedOverheadBytes = aeadNonceBytes + aeadTagBytes;

/**
 * Payloads sealed as the classic wire has them: nonce, ciphertext, tag. The nonce is random, nothing is counted and
 * there is no additional data, so a peer in the middle can replay, drop and reorder.
 *
 * Source: spec/protocol.md, "Sealed payload".
 */
export class RecordProtection {
  readonly #aead: Aead;
  readonly #crypto: CryptoProvider;
  readonly #sealing: SealingBatch;
  readonly #opening: OpeningBatch;
  /** Payloads that were sealed under the key, by either end. */
  #payloads = 0;

  constructor(key: Uint8Array, crypto: CryptoProvider) {
    this.#aead = crypto.createAead(key);
    this.#crypto = crypto;
    this.#sealing = new SealingBatch(this.#aead, crypto);
    this.#opening = new OpeningBatch(this.#aead);
  }

  /**
   * Whether the key has sealed all that it may: both ends draw nonces for the one key, and with each further one it becomes
   * likelier that two are the same.
   */
  get isSpent(): boolean {
    return this.#payloads >= this.#crypto.randomNoncesPerKey;
  }

  /**
   * The sealed payload in parts: the nonce, the ciphertext in one or more, the tag. A nonce that the caller gives is
   * used for one payload only.
   */
  seal(plaintext: readonly Uint8Array[], nonce: Uint8Array = this.#crypto.randomNonces(1)): Uint8Array[] {
    this.#countSealed();
    return this.#sealAlone(plaintext, nonce);
  }

  /** The same into `target`, which is as long as the sealed payload. */
  sealInto(target: Uint8Array, plaintext: readonly Uint8Array[]): void {
    this.#countSealed();
    if (this.#sealing.seal(target, plaintext)) return;
    copyParts(this.#sealAlone(plaintext, this.#crypto.randomNonces(1)), target);
  }

  /** Makes ready for the frames that lie in `input` and will be opened next. What stands there is not checked yet. */
  lookAhead(input: ReceiveBuffer): void {
    if (!this.#opening.isPrepared) this.#opening.lookAhead(input.firstChunk);
  }

  /**
   * The plaintext, lent until the next call if it is not the caller's own. The caller has checked the length.
   * @throws PeerError `ERR_DECRYPTION_FAILED` where the tag does not fit.
   */
  open(payload: Uint8Array): Received {
    this.#payloads += 1;
    const owned = !this.#opening.isPrepared;
    const bytes = owned
      ? this.#aead.open(payload.subarray(0, aeadNonceBytes), payload.subarray(aeadNonceBytes))
      : this.#opening.open(payload);
    if (bytes === undefined) {
      throw new PeerError(
        "ERR_DECRYPTION_FAILED",
        "a sealed frame could not be opened: it was changed on its way, or the peer has another key",
      );
    }
    return { bytes, owned };
  }

  /** Overwrites the key: nothing is sealed or opened any more. */
  wipe(): void {
    this.#aead.wipe();
    this.#sealing.wipe();
    this.#opening.wipe();
  }

  #sealAlone(plaintext: readonly Uint8Array[], nonce: Uint8Array): Uint8Array[] {
    return [nonce, ...this.#aead.seal(nonce, plaintext)];
  }

  /** @throws RangeError The engine closes before it comes to that. */
  #countSealed(): void {
    if (this.isSpent) throw new RangeError("the key has sealed all that it may");
    this.#payloads += 1;
  }
}
