import { PeerError } from "../../errors.ts";
import { type Aead, aeadNonceBytes, aeadTagBytes, type CryptoProvider } from "../crypto-provider.ts";

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

  constructor(key: Uint8Array, crypto: CryptoProvider) {
    this.#aead = crypto.createAead(key);
    this.#crypto = crypto;
  }

  /** The sealed payload in parts: the nonce, the ciphertext in one or more, the tag. */
  seal(plaintext: readonly Uint8Array[]): Uint8Array[] {
    const nonce = this.#crypto.randomBytes(aeadNonceBytes);
    return [nonce, ...this.#aead.seal(nonce, plaintext)];
  }

  /** @throws PeerError `ERR_DECRYPTION_FAILED` where the tag does not fit. The caller has checked the length. */
  open(payload: Uint8Array): Uint8Array {
    const plaintext = this.#aead.open(payload.subarray(0, aeadNonceBytes), payload.subarray(aeadNonceBytes));
    if (plaintext === undefined) {
      throw new PeerError(
        "ERR_DECRYPTION_FAILED",
        "a sealed frame could not be opened: it was changed on its way, or the peer has another key",
      );
    }
    return plaintext;
  }
}
