/**
 * The cryptography that an engine needs. It is passed in, so that the protocol runs without `node:crypto` and tests
 * can fix every key and nonce. All calls are synchronous.
 */
export interface CryptoProvider {
  /** A fresh P-384 key pair for one handshake. */
  generateKeyPair(): KeyPair;
  sha256(data: Uint8Array): Uint8Array;
  /** HMAC-SHA-256 (RFC 2104) of the concatenated parts. The caller owns the result. */
  hmacSha256(key: Uint8Array, data: readonly Uint8Array[]): Uint8Array;
  /** AES-256-GCM under a 32-byte key. */
  createAead(key: Uint8Array): Aead;
  /**
   * Unpredictable bytes in memory of their own, for values that are secret or live long. The caller owns the result.
   */
  randomBytes(length: number): Uint8Array;
  /** `count` random nonces, one after the other. They are not secret, and share their memory with other nonces. */
  randomNonces(count: number): Uint8Array;
  /** Most payloads for which all holders of one key together may draw random nonces. */
  readonly randomNoncesPerKey: number;
}

export interface KeyPair {
  /** An uncompressed point (SEC 1, 2.3.3): `04`, X, Y; 97 bytes. */
  readonly publicKey: Uint8Array;
  /**
   * The X coordinate of the shared point, all 48 bytes of it, or `undefined` if the peer's bytes are not an
   * uncompressed point on the curve. The caller wipes the result.
   */
  deriveSharedSecret(peerPublicKey: Uint8Array): Uint8Array | undefined;
  /**
   * The same on another thread: `done` gets the result later. Absent if this key pair or the platform cannot. An engine never
   * calls it: its driver may, ahead of the step that needs the secret.
   */
  readonly deriveElsewhere?:
    | ((peerPublicKey: Uint8Array, done: (sharedSecret: Uint8Array | undefined) => void) => void)
    | undefined;
}

/**
 * Authenticated encryption as in RFC 5116, with a 12-byte nonce and a 16-byte tag. No argument is used after a call.
 */
export interface Aead {
  /**
   * Seals the concatenated parts of `plaintext`. Returns the ciphertext in any number of parts, then the tag. The
   * caller must never repeat a nonce under one key.
   */
  seal(nonce: Uint8Array, plaintext: readonly Uint8Array[], additionalData?: Uint8Array): Uint8Array[];
  /** Opens `sealed`, ciphertext and tag. The caller owns the plaintext; `undefined` if the tag is wrong. */
  open(nonce: Uint8Array, sealed: Uint8Array, additionalData?: Uint8Array): Uint8Array | undefined;
  /**
   * Uses the same key for runs of short messages. Sealed messages either carry their nonces in front, or both ends
   * know the nonces. `undefined` if this runtime cannot do that. The first call in a process may take some
   * milliseconds to find out, so call this only once there is such a run. The caller wipes the batch.
   */
  createBatch(nonces: "carried" | "known"): BatchAead | undefined;
  /** Drops the key. A later `seal` or `open` throws, and so does a batch that is created later. */
  wipe(): void;
}

/**
 * The same for short messages whose nonces are known before they are sealed or opened: what it costs to call the
 * platform's cipher is then paid once for many.
 *
 * A sealed message consists of its nonce, if it carries that, ciphertext and tag.
 */
export interface BatchAead {
  /** The number of nonces that are prepared and not used. */
  readonly prepared: number;
  /**
   * Prepares for messages under these nonces, in this order: 12 bytes each, one after the other. Drops what was
   * prepared before. To seal, none of them may ever have been used under the key. If both ends know the nonces, they
   * are those of consecutive records: `firstRecord` is the number of the first.
   * @throws RangeError if `maxPlaintextBytes` is over {@link maxBatchedBytes}.
   */
  prepare(nonces: Uint8Array, maxPlaintextBytes: number, firstRecord?: number): void;
  /**
   * Seals under the next nonce into `target`. `target` starts with `additionalBytes` bytes of additional data, at
   * most 16, and the sealed message fills the rest. If records are numbered, `recordNumber` is the record's number.
   * @throws RangeError if no nonce is prepared, the next one is for another record, or the plaintext is longer than
   * prepared for.
   */
  sealNext(
    plaintext: readonly Uint8Array[],
    target: Uint8Array,
    additionalBytes?: number,
    recordNumber?: number,
  ): void;
  /**
   * Opens a message that was sealed under the next nonce. The plaintext is valid until the next call; `undefined` if
   * the tag is wrong, or the message carries another nonce. @throws RangeError as `sealNext`.
   */
  openNext(sealed: Uint8Array, additionalData?: Uint8Array, recordNumber?: number): Uint8Array | undefined;
  /** Drops what is prepared. */
  drop(): void;
  /**
   * Overwrites everything that is derived from the key, and drops the key. Any later `prepare`, `sealNext` or
   * `openNext` throws.
   */
  wipe(): void;
}

/** The longest plaintext for a batch; for a longer one a cipher object of its own costs no more. */
export const maxBatchedBytes = 1_152;
export const publicKeyBytes = 97;
export const aeadNonceBytes = 12;
export const aeadTagBytes = 16;
