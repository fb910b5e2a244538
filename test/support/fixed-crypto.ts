import { createECDH } from "node:crypto";
import { nodeCrypto } from "#dist/crypto/node.js";
import { aeadNonceBytes, type CryptoProvider, type KeyPair } from "#dist/protocol/crypto-provider.js";

export interface FixedCryptoOptions {
  readonly privateKey: Uint8Array;
  /** The first random bytes; then a counter follows. */
  readonly nonces?: readonly Uint8Array[];
}

/** Node's cryptography with a key pair and nonces that the test has chosen, so that every byte is known beforehand. */
export function fixedCrypto({ privateKey, nonces = [] }: FixedCryptoOptions): CryptoProvider {
  let taken = 0;
  const randomBytes = (length: number): Uint8Array => {
    const nonce = nonces[taken];
    taken += 1;
    if (nonce === undefined) return countedBytes(length, taken);
    if (nonce.length !== length) throw new Error(`${length} random bytes were asked for`);
    return Uint8Array.from(nonce);
  };
  return {
    ...nodeCrypto,
    generateKeyPair: () => fixedKeyPair(privateKey),
    randomBytes,
    randomNonces: (count) => randomBytes(count * aeadNonceBytes),
  };
}

function countedBytes(length: number, count: number): Uint8Array {
  const bytes = new Uint8Array(length);
  new DataView(bytes.buffer).setUint32(length - 4, count);
  return bytes;
}

// A key pair and an agreement cost a millisecond each, and tests that try every byte make thousands of the same.
const keyPairs = new Map<string, KeyPair>();

export function fixedKeyPair(privateKey: Uint8Array): KeyPair {
  const known = keyPairs.get(textOf(privateKey));
  if (known !== undefined) return known;
  const keyPair = makeKeyPair(privateKey);
  keyPairs.set(textOf(privateKey), keyPair);
  return keyPair;
}

function makeKeyPair(privateKey: Uint8Array): KeyPair {
  const ecdh = createECDH("secp384r1");
  ecdh.setPrivateKey(privateKey);
  const agreements = new Map<string, Uint8Array>();
  // To refuse a key costs nearly as much, and tests send the same bytes again, cut differently.
  let lastRefused: string | undefined;
  return {
    publicKey: ecdh.getPublicKey(),
    deriveSharedSecret(peerPublicKey) {
      if (peerPublicKey.length !== 97 || peerPublicKey[0] !== 0x04) return undefined;
      const text = textOf(peerPublicKey);
      const known = agreements.get(text);
      if (known !== undefined) return Uint8Array.from(known);
      if (text === lastRefused) return undefined;
      try {
        const secret = ecdh.computeSecret(peerPublicKey);
        agreements.set(text, Uint8Array.from(secret));
        return secret;
      } catch {
        lastRefused = text;
        return undefined;
      }
    },
  };
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}
