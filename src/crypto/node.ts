import type { Cipher, CipherGCM, KeyObject } from "node:crypto";
import {
  type Aead,
  aeadNonceBytes,
  aeadTagBytes,
  type BatchAead,
  type CryptoProvider,
} from "../protocol/crypto-provider.ts";
import { BatchGcm, type BlockCipher } from "./batch-gcm.ts";
import { KeyPairs } from "./key-pairs.ts";
import { openssl } from "./openssl.ts";
import { agreesWithPlatform } from "./self-test.ts";

const cipher = "aes-256-gcm";

const keyPairs = new KeyPairs();

/**
 * The cryptography of `node:crypto`, which is OpenSSL's, with our own {@link BatchGcm} for runs of short messages.
 */
export const nodeCrypto: CryptoProvider = {
  generateKeyPair: () => keyPairs.take(),
  sha256: (data) => openssl().createHash("sha256").update(data).digest(),
  hmacSha256,
  createAead: (key) => new NodeAead(key, batchesAreSound),
  randomBytes: (length) => openssl().randomFillSync(new Uint8Array(length)),
  randomNonces: takeRandomNonces,
  // NIST SP 800-38D, 8.3.
  randomNoncesPerKey: 2 ** 32,
};

/** As {@link KeyPairs.wait}, for the next `generateKeyPair` of {@link nodeCrypto}. */
export function waitForKeyPair(ready: () => void): boolean {
  return keyPairs.wait(ready);
}

/** The same without {@link BatchGcm}: each message has a cipher object of its own. */
export const platformCrypto: CryptoProvider = {
  ...nodeCrypto,
  createAead: (key) => new NodeAead(key, () => false),
};

function hmacSha256(key: Uint8Array, data: readonly Uint8Array[]): Uint8Array {
  // Given bytes, Node 24 first looks whether they are a key object, which takes four times as long as the HMAC.
  const hmac = openssl().createHmac("sha256", openssl().createSecretKey(key));
  for (const part of data) hmac.update(part);
  return hmac.digest();
}

let soundness: boolean | undefined;

/**
 * Whether {@link BatchGcm} can be used. Tested once, before the first run of short messages, and not at the start:
 * the test takes longer than the rest of an encrypted connect.
 */
function batchesAreSound(): boolean {
  soundness ??= BatchGcm.isAvailable && passesSelfTest();
  return soundness;
}

function passesSelfTest(): boolean {
  if (agreesWithPlatform(makeBatch, nodeCrypto.createAead)) return true;
  process.emitWarning(
    "in this runtime sealpipe's own AES-GCM does not agree with the platform's, and is not used",
    {
      type: "SealpipeWarning",
      code: "SEALPIPE_SELF_TEST_FAILED",
    },
  );
  return false;
}

function makeBatch(key: Uint8Array, nonces: "carried" | "known"): BatchAead {
  return createBatchGcm(openssl().createSecretKey(key), nonces);
}

function createBatchGcm(key: KeyObject, nonces: "carried" | "known"): BatchAead {
  return new BatchGcm(new NodeBlockCipher(key), nonces === "carried" ? aeadNonceBytes : 0);
}

class NodeBlockCipher implements BlockCipher {
  #key: KeyObject | undefined;
  // In ECB mode a cipher object can be used without end: each block stands alone. Created when it is first needed,
  // because most connections never have a run of short messages.
  #cipher: Cipher | undefined;

  constructor(key: KeyObject) {
    this.#key = key;
  }

  encrypt(blocks: Uint8Array): Uint8Array {
    // After `wipe` the key is `undefined`, and this throws.
    this.#cipher ??= openssl()
      .createCipheriv("aes-256-ecb", this.#key as KeyObject, null)
      .setAutoPadding(false);
    return this.#cipher.update(blocks);
  }

  wipe(): void {
    // `final` has OpenSSL overwrite the cipher's key now, and not only when the object is garbage-collected.
    this.#cipher?.final();
    this.#cipher = undefined;
    this.#key = undefined;
  }
}

class NodeAead implements Aead {
  readonly #hasBatches: () => boolean;
  #key: KeyObject | undefined;

  constructor(key: Uint8Array, hasBatches: () => boolean) {
    this.#hasBatches = hasBatches;
    // A copy: the engine wipes its own. From Node 24 on, a cipher that gets bytes each time costs four times as much.
    this.#key = openssl().createSecretKey(key);
  }

  seal(nonce: Uint8Array, plaintext: readonly Uint8Array[], additionalData?: Uint8Array): Uint8Array[] {
    const sealing: CipherGCM = openssl().createCipheriv(cipher, this.#key as KeyObject, nonce);
    if (additionalData !== undefined) sealing.setAAD(additionalData);
    const parts: Uint8Array[] = plaintext.map((part) => sealing.update(part));
    // GCM is a stream cipher: `final` returns no bytes, but without it there is no tag.
    sealing.final();
    parts.push(sealing.getAuthTag());
    return parts;
  }

  open(nonce: Uint8Array, sealed: Uint8Array, additionalData?: Uint8Array): Uint8Array | undefined {
    const tagStart = sealed.length - aeadTagBytes;
    const opening = openssl().createDecipheriv(cipher, this.#key as KeyObject, nonce, {
      authTagLength: aeadTagBytes,
    });
    opening.setAuthTag(sealed.subarray(tagStart));
    if (additionalData !== undefined) opening.setAAD(additionalData);
    const { buffer, byteOffset, length } = opening.update(sealed.subarray(0, tagStart));
    try {
      opening.final();
      return new Uint8Array(buffer, byteOffset, length);
    } catch {
      return undefined;
    }
  }

  createBatch(nonces: "carried" | "known"): BatchAead | undefined {
    return this.#hasBatches() ? createBatchGcm(this.#key as KeyObject, nonces) : undefined;
  }

  wipe(): void {
    this.#key = undefined;
  }
}

// A call for 12 bytes costs as much as one for 4096, so nonces are cut from a pool. Secrets are not.
const poolBytes = 4_096;
let pool = new Uint8Array(0);

function takeRandomNonces(count: number): Uint8Array {
  const length = count * aeadNonceBytes;
  if (length > poolBytes) return openssl().randomFillSync(new Uint8Array(length));
  if (pool.length < length) pool = openssl().randomFillSync(new Uint8Array(poolBytes));
  const nonces = pool.subarray(0, length);
  pool = pool.subarray(length);
  return nonces;
}
