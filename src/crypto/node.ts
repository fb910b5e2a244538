import {
  type Cipher,
  type CipherGCM,
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomFillSync,
} from "node:crypto";
import {
  type Aead,
  aeadNonceBytes,
  aeadTagBytes,
  type BatchAead,
  type CryptoProvider,
} from "../protocol/crypto-provider.ts";
import { BatchGcm, type BlockCipher } from "./batch-gcm.ts";
import { KeyPairs } from "./key-pairs.ts";
import { agreesWithPlatform } from "./self-test.ts";

const cipher = "aes-256-gcm";

const keyPairs = new KeyPairs();

/** The cryptography of `node:crypto`, which is OpenSSL's, with our own {@link BatchGcm} for runs of short messages. */
export const nodeCrypto: CryptoProvider = {
  generateKeyPair: () => keyPairs.take(),
  sha256: (data) => createHash("sha256").update(data).digest(),
  hmacSha256,
  createAead: (key) => new NodeAead(key, batchesAreSound),
  randomBytes: (length) => randomFillSync(new Uint8Array(length)),
  randomNonces: takeRandomNonces,
  // NIST SP 800-38D, 8.3.
  randomNoncesPerKey: 2 ** 32,
};

/** The same without anything of ours: each message has a cipher object of its own. */
export const platformCrypto: CryptoProvider = {
  ...nodeCrypto,
  createAead: (key) => new NodeAead(key, () => false),
};

function hmacSha256(key: Uint8Array, data: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac("sha256", key);
  for (const part of data) hmac.update(part);
  return hmac.digest();
}

let soundness: boolean | undefined;

/**
 * Whether {@link BatchGcm} can be used. Tried once, for the first run of short messages: to try it takes longer than all
 * else of an encrypted connect.
 */
function batchesAreSound(): boolean {
  soundness ??= BatchGcm.isAvailable && passesSelfTest();
  return soundness;
}

function passesSelfTest(): boolean {
  if (agreesWithPlatform(makeBatch, nodeCrypto.createAead)) return true;
  process.emitWarning("its own AES-GCM does not agree with the platform's in this runtime, and is not used", {
    type: "SealpipeWarning",
    code: "SEALPIPE_SELF_TEST_FAILED",
  });
  return false;
}

function makeBatch(key: Uint8Array, nonces: "carried" | "known"): BatchAead {
  return createBatchGcm(createSecretKey(key), nonces);
}

function createBatchGcm(key: KeyObject, nonces: "carried" | "known"): BatchAead {
  return new BatchGcm(new NodeBlockCipher(key), nonces === "carried" ? aeadNonceBytes : 0);
}

class NodeBlockCipher implements BlockCipher {
  #key: KeyObject | undefined;
  // Of this mode a cipher object is never done: each block is for itself. Made when it is needed: most connections stay
  // below what it is for.
  #cipher: Cipher | undefined;

  constructor(key: KeyObject) {
    this.#key = key;
  }

  encrypt(blocks: Uint8Array): Uint8Array {
    // Once wiped there is no key, which the platform refuses.
    this.#cipher ??= createCipheriv("aes-256-ecb", this.#key as KeyObject, null).setAutoPadding(false);
    return this.#cipher.update(blocks);
  }

  wipe(): void {
    // Which has OpenSSL overwrite the key that the cipher works with, and not only when the garbage collector comes.
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
    // A copy: the engine wipes its own. From Node 24 a cipher that is given bytes each time costs four times as much.
    this.#key = createSecretKey(key);
  }

  seal(nonce: Uint8Array, plaintext: readonly Uint8Array[], additionalData?: Uint8Array): Uint8Array[] {
    const sealing: CipherGCM = createCipheriv(cipher, this.#key as KeyObject, nonce);
    if (additionalData !== undefined) sealing.setAAD(additionalData);
    const parts: Uint8Array[] = plaintext.map((part) => sealing.update(part));
    // GCM is a stream: `final` has no bytes left to give, but without it there is no tag.
    sealing.final();
    parts.push(sealing.getAuthTag());
    return parts;
  }

  open(nonce: Uint8Array, sealed: Uint8Array, additionalData?: Uint8Array): Uint8Array | undefined {
    const tagStart = sealed.length - aeadTagBytes;
    const opening = createDecipheriv(cipher, this.#key as KeyObject, nonce, {
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

// A call for 12 bytes costs as much as one for 4096, so nonces are cut from a pool. Nothing that is secret is.
const poolBytes = 4_096;
let pool = new Uint8Array(0);

function takeRandomNonces(count: number): Uint8Array {
  const length = count * aeadNonceBytes;
  if (length > poolBytes) return randomFillSync(new Uint8Array(length));
  if (pool.length < length) pool = randomFillSync(new Uint8Array(poolBytes));
  const nonces = pool.subarray(0, length);
  pool = pool.subarray(length);
  return nonces;
}
