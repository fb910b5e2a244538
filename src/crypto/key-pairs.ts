import { createECDH, createPublicKey, diffieHellman, generateKeyPair, type KeyObject } from "node:crypto";
import { type KeyPair, publicKeyBytes } from "../protocol/crypto-provider.ts";

const curve = "secp384r1";
const uncompressedPoint = 0x04;
/** What stands before the point in a public key as `SubjectPublicKeyInfo` (RFC 5480) in DER. */
const beforePoint = "3076301006072a8648ce3d020106052b81040022036200";

/** How many wait at most: enough for a burst of clients. */
export const maxReady = 32;
/** Made at a time: the application has work for these threads, too, and what is under way keeps the process alive. */
const maxUnderWay = 2;

/**
 * Key pairs for handshakes. From the second on, each that is taken has up to two others made on libuv's threads, until as
 * many are ready as were taken, 32 at most: a process that connects once makes none that it does not need, and a
 * server's event loop need not make those of its clients. Each is given once.
 */
export class KeyPairs {
  readonly #ready: KeyPair[] = [];
  #underWay = 0;
  #wanted = -1;

  /** Made ahead and not taken. */
  get ready(): number {
    return this.#ready.length;
  }

  take(): KeyPair {
    if (this.#wanted < maxReady) this.#wanted += 1;
    const keyPair = this.#ready.shift() ?? makeKeyPair();
    while (this.#underWay < maxUnderWay && this.#ready.length + this.#underWay < this.#wanted) {
      this.#underWay += 1;
      makeKeyPairAhead(this.#made);
    }
    return keyPair;
  }

  readonly #made = (keyPair: KeyPair | undefined): void => {
    this.#underWay -= 1;
    if (keyPair !== undefined) this.#ready.push(keyPair);
  };
}

/** On this thread. For one alone this costs the process less than {@link makeKeyPairAhead}. */
export function makeKeyPair(): KeyPair {
  const ecdh = createECDH(curve);
  const publicKey = ecdh.generateKeys();
  return {
    publicKey,
    deriveSharedSecret(peerPublicKey) {
      if (!isUncompressed(peerPublicKey)) return undefined;
      try {
        return ecdh.computeSecret(peerPublicKey);
      } catch (error) {
        if (isInvalidPublicKey(error)) return undefined;
        throw error;
      }
    },
  };
}

/** On another thread; its shared secret is derived in half the time, too. `undefined` if the system has failed to. */
export function makeKeyPairAhead(done: (keyPair: KeyPair | undefined) => void): void {
  const options = { namedCurve: curve, publicKeyEncoding: { format: "der", type: "spki" } };
  // Without an encoding of the private key this gives an object of it, for which the types have no case.
  const generate = generateKeyPair as unknown as (
    type: "ec",
    given: typeof options,
    callback: (error: Error | null, publicKey: Uint8Array, privateKey: KeyObject) => void,
  ) => void;
  generate("ec", options, (error, publicKey, privateKey) => {
    done(error ? undefined : keyPairOf(publicKey, privateKey));
  });
}

function keyPairOf(encodedPublicKey: Uint8Array, privateKey: KeyObject): KeyPair {
  return {
    publicKey: Uint8Array.from(encodedPublicKey.subarray(-publicKeyBytes)),
    deriveSharedSecret(peerPublicKey) {
      if (!isUncompressed(peerPublicKey)) return undefined;
      const key = Buffer.concat([Buffer.from(beforePoint, "hex"), peerPublicKey]);
      const publicKey = parsePublicKey(key);
      return publicKey && diffieHellman({ privateKey, publicKey });
    },
  };
}

/** `undefined` if it is no point on the curve: all else about it is ours. */
function parsePublicKey(key: Buffer): KeyObject | undefined {
  try {
    return createPublicKey({ key, format: "der", type: "spki" });
  } catch {
    return undefined;
  }
}

/** OpenSSL would take compressed and hybrid points too; the wire has none. */
function isUncompressed(publicKey: Uint8Array): boolean {
  return publicKey.length === publicKeyBytes && publicKey[0] === uncompressedPoint;
}

function isInvalidPublicKey(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === "ERR_CRYPTO_ECDH_INVALID_PUBLIC_KEY";
}
