import { PeerError } from "../../errors.ts";
import { type Aead, aeadNonceBytes, aeadTagBytes, type CryptoProvider } from "../crypto-provider.ts";
import type { Received } from "../memory.ts";
import { copyParts, lengthOfParts } from "../parts.ts";
import type { ReceiveBuffer } from "../receive-buffer.ts";
import { ShortMessages } from "../short-messages.ts";
import { OpeningBatch } from "./opening-batch.ts";

/** What sealing adds to a payload: the nonce before it and the tag after it. */
export const sealedOverheadBytes = aeadNonceBytes + aeadTagBytes;

/**
 * Payloads as the classic wire seals them: nonce, ciphertext, tag. The nonce is random, payloads are not numbered and
 * there is no additional data, so a process in the middle can replay, drop and reorder them.
 *
 * Source: spec/protocol.md, "Sealed payload".
 */
export class RecordProtection {
  readonly #aead: Aead;
  readonly #crypto: CryptoProvider;
  readonly #sealing: ShortMessages;
  readonly #opening: OpeningBatch;
  /** Payloads that were sealed under the key, by either end. */
  #payloads = 0;

  constructor(key: Uint8Array, crypto: CryptoProvider) {
    this.#aead = crypto.createAead(key);
    this.#crypto = crypto;
    this.#sealing = new ShortMessages(this.#aead, {
      kind: "carried",
      draw: (count) => crypto.randomNonces(count),
    });
    this.#opening = new OpeningBatch(this.#aead);
  }

  /**
   * Whether the key has sealed as many payloads as it may: both ends draw nonces for the one key, and each further
   * nonce makes it likelier that two are the same.
   */
  get isSpent(): boolean {
    return this.#payloads >= this.#crypto.randomNoncesPerKey;
  }

  /**
   * The sealed payload in parts: the nonce, the ciphertext in one or more, the tag. A given `nonce` must be for this
   * payload alone.
   */
  seal(plaintext: readonly Uint8Array[], nonce: Uint8Array = this.#crypto.randomNonces(1)): Uint8Array[] {
    this.#countSealed();
    return this.#sealAlone(plaintext, nonce);
  }

  /** Seals into `target`, which is as long as the sealed payload. */
  sealInto(target: Uint8Array, plaintext: readonly Uint8Array[]): void {
    this.#countSealed();
    const batch = this.#sealing.take(lengthOfParts(plaintext));
    if (batch !== undefined) batch.sealNext(plaintext, target);
    else copyParts(this.#sealAlone(plaintext, this.#crypto.randomNonces(1)), target);
  }

  /** Prepares to open the frames that have arrived in `input`, which are not checked yet. */
  lookAhead(input: ReceiveBuffer): void {
    if (!this.#opening.isPrepared) this.#opening.lookAhead(input.firstChunk);
  }

  /**
   * The plaintext, valid until the next call unless it is `owned`. The caller has checked the length. @throws
   * PeerError `ERR_DECRYPTION_FAILED` if the tag is wrong.
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

  /** Overwrites the key. Nothing can be sealed or opened afterwards. */
  wipe(): void {
    this.#aead.wipe();
    this.#sealing.wipe();
    this.#opening.wipe();
  }

  #sealAlone(plaintext: readonly Uint8Array[], nonce: Uint8Array): Uint8Array[] {
    return [nonce, ...this.#aead.seal(nonce, plaintext)];
  }

  /** @throws RangeError if the key is spent. The engine closes before that. */
  #countSealed(): void {
    if (this.isSpent) throw new RangeError("the key has sealed as many payloads as it may");
    this.#payloads += 1;
  }
}
