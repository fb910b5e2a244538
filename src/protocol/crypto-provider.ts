/**
 * The cryptography an engine needs, handed in so that the protocol runs without `node:crypto` and so that tests can
 * fix every key and nonce. All calls are synchronous.
 */
export interface CryptoProvider {
  /** A fresh P-384 key pair for one handshake. */
  generateKeyPair(): KeyPair;
  sha256(data: Uint8Array): Uint8Array;
  /** HMAC-SHA-256 (RFC 2104) of the parts as one. The caller owns the result. */
  hmacSha256(key: Uint8Array, data: readonly Uint8Array[]): Uint8Array;
  /** AES-256-GCM under a 32-byte key. */
  createAead(key: Uint8Array): Aead;
  /** Unpredictable bytes in memory of their own, for what is secret or lives long. The caller owns the result. */
  randomBytes(length: number): Uint8Array;
  /** That many random nonces, one after the other. They are no secrets, and share their memory with other nonces. */
  randomNonces(count: number): Uint8Array;
  /** For how many payloads nonces may be drawn at random under one key, by all that have it. */
  readonly randomNoncesPerKey: number;
}

export interface KeyPair {
  /** An uncompressed point (SEC 1, 2.3.3): `04`, X, Y; 97 bytes. */
  readonly publicKey: Uint8Array;
  /**
   * The X coordinate of the shared point, all 48 bytes of it, or `undefined` where the peer's bytes are no
   * uncompressed point on the curve. The caller wipes the result.
   */
  deriveSharedSecret(peerPublicKey: Uint8Array): Uint8Array | undefined;
}

/**
 * Authenticated encryption as in RFC 5116, with a 12-byte nonce and a 16-byte tag. Nothing of the arguments is needed
 * after a call.
 */
export interface Aead {
  /**
   * The plaintext's parts sealed as one: the ciphertext in as many parts as it comes in, then the tag as the last.
   * The caller must never repeat a nonce under one key.
   */
  seal(nonce: Uint8Array, plaintext: readonly Uint8Array[], additionalData?: Uint8Array): Uint8Array[];
  /** The plaintext, which is the caller's own, or `undefined` where the tag does not fit. `sealed` is ciphertext and tag. */
  open(nonce: Uint8Array, sealed: Uint8Array, additionalData?: Uint8Array): Uint8Array | undefined;
  /**
   * The same key for runs of short messages. Sealed, they carry their nonces in front, or both ends know them.
   * `undefined` if this runtime cannot do it. The first call in a process may take some milliseconds to find out, so
   * ask once there is such a run. The caller wipes the batch.
   */
  createBatch(nonces: "carried" | "known"): BatchAead | undefined;
  /** Forgets the key. A later call to seal or open throws, and so does a batch that is made later. */
  wipe(): void;
}

/**
 * The same for short messages whose nonces are known before they are sealed or opened: what it costs to call the
 * platform's cipher is then paid once for many.
 *
 * A sealed message is its nonce where it carries that, ciphertext and tag.
 */
export interface BatchAead {
  /** Nonces that are prepared and not used. */
  readonly prepared: number;
  /**
   * Makes ready for messages under these nonces, in this order: 12 bytes each, one behind the other. What was prepared
   * before is dropped. To seal, none may ever have been used under the key. Nonces that both ends know are those of
   * consecutive records: `firstRecord` is the number of the first.
   * @throws RangeError if `maxPlaintextBytes` is over {@link maxBatchedBytes}.
   */
  prepare(nonces: Uint8Array, maxPlaintextBytes: number, firstRecord?: number): void;
  /**
   * Seals under the next nonce into `target`, which it fills behind the additional data with which that begins: so many
   * bytes, at most a block of 16. `recordNumber` says for which record, where those are numbered.
   * @throws RangeError if none is prepared, the next one is that of another record, or the plaintext is longer than was
   *   prepared for.
   */
  sealNext(
    plaintext: readonly Uint8Array[],
    target: Uint8Array,
    additionalBytes?: number,
    recordNumber?: number,
  ): void;
  /**
   * The plaintext of a message that was sealed under the next nonce, lent until the next call, or `undefined` if the tag
   * does not fit, or the nonce that the message carries is another.
   * @throws RangeError as `sealNext`.
   */
  openNext(sealed: Uint8Array, additionalData?: Uint8Array, recordNumber?: number): Uint8Array | undefined;
  /** What is prepared will not be used. */
  drop(): void;
  /** Overwrites everything that comes from the key, and forgets the key. A later call to prepare, seal or open throws. */
  wipe(): void;
}

/** The longest plaintext that a batch takes; a longer one costs no less with a cipher of its own. */
export const maxBatchedBytes = 1_152;
export const publicKeyBytes = 97;
export const aeadNonceBytes = 12;
export const aeadTagBytes = 16;
