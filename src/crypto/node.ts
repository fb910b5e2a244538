import {
  type Cipher,
  type CipherGCM,
  createCipheriv,
  createDecipheriv,
  createECDH,
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
  type KeyPair,
  publicKeyBytes,
} from "../protocol/crypto-provider.ts";
import { BatchGcm } from "./batch-gcm.ts";

const curve = "secp384r1";
const cipher = "aes-256-gcm";
const uncompressedPoint = 0x04;

/** The cryptography of `node:crypto`, which is OpenSSL's. */
export const nodeCrypto: CryptoProvider = {
  generateKeyPair,
  sha256: (data) => createHash("sha256").update(data).digest(),
  hmacSha256,
  createAead: (key) => new NodeAead(key),
  createBatchAead,
  randomBytes: takeRandomBytes,
};

function generateKeyPair(): KeyPair {
  const ecdh = createECDH(curve);
  const publicKey = ecdh.generateKeys();
  return {
    publicKey,
    deriveSharedSecret(peerPublicKey) {
      // OpenSSL would take compressed and hybrid points too; the wire has none.
      if (peerPublicKey.length !== publicKeyBytes || peerPublicKey[0] !== uncompressedPoint) return undefined;
      try {
        return ecdh.computeSecret(peerPublicKey);
      } catch (error) {
        if (isInvalidPublicKey(error)) return undefined;
        throw error;
      }
    },
  };
}

function isInvalidPublicKey(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_CRYPTO_ECDH_INVALID_PUBLIC_KEY";
}

function hmacSha256(key: Uint8Array, data: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac("sha256", key);
  for (const part of data) hmac.update(part);
  return hmac.digest();
}

function createBatchAead(key: Uint8Array, nonces: "carried" | "known"): BatchAead {
  const ownKey = createSecretKey(key);
  // Of this mode a cipher object is never done: each block is for itself. Made when it is needed: most connections stay
  // below what it is for.
  let blocks: Cipher | undefined;
  return new BatchGcm(
    (plaintext) => {
      blocks ??= createCipheriv("aes-256-ecb", ownKey, null).setAutoPadding(false);
      return blocks.update(plaintext);
    },
    nonces === "carried" ? aeadNonceBytes : 0,
  );
}

class NodeAead implements Aead {
  readonly #key: KeyObject;

  constructor(key: Uint8Array) {
    // A copy: the session wipes its own. From Node 24 a cipher that is given bytes each time costs four times as much.
    this.#key = createSecretKey(key);
  }

  seal(nonce: Uint8Array, plaintext: readonly Uint8Array[], additionalData?: Uint8Array): Uint8Array[] {
    const sealing: CipherGCM = createCipheriv(cipher, this.#key, nonce);
    if (additionalData !== undefined) sealing.setAAD(additionalData);
    const parts: Uint8Array[] = plaintext.map((part) => sealing.update(part));
    // GCM is a stream: `final` has no bytes left to give, but without it there is no tag.
    sealing.final();
    parts.push(sealing.getAuthTag());
    return parts;
  }

  open(nonce: Uint8Array, sealed: Uint8Array, additionalData?: Uint8Array): Uint8Array | undefined {
    const tagStart = sealed.length - aeadTagBytes;
    const opening = createDecipheriv(cipher, this.#key, nonce, { authTagLength: aeadTagBytes });
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
}

// A call for 12 bytes costs as much as one for 4096, so nonces are cut from a pool.
const poolBytes = 4_096;
let pool = new Uint8Array(0);

function takeRandomBytes(length: number): Uint8Array {
  if (length > poolBytes) return randomFillSync(new Uint8Array(length));
  if (pool.length < length) pool = randomFillSync(new Uint8Array(poolBytes));
  const bytes = pool.subarray(0, length);
  pool = pool.subarray(length);
  return bytes;
}
