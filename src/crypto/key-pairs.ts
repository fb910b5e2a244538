import type { KeyObject } from "node:crypto";
import { type KeyPair, publicKeyBytes } from "../protocol/crypto-provider.ts";
import { openssl } from "./openssl.ts";

const curve = "secp384r1";
const uncompressedPoint = 0x04;
/** The bytes before the point in a public key encoded as `SubjectPublicKeyInfo` (RFC 5480) in DER. */
const beforePoint = "3076301006072a8648ce3d020106052b81040022036200";

/** Most key pairs that are kept ready: enough for a burst of clients. */
export const maxReady = 32;
/**
 * Key pairs that are made at a time: the application needs libuv's threads, too, and each keeps the process alive.
 */
const maxUnderWay = 2;

/**
 * Key pairs for handshakes. From the second on, each `take` has up to two others made on libuv's threads, until as
 * many are ready as were taken before, at most 32. So a process that connects once makes none that it does not need,
 * and a server's event loop need not make one for each client. Each key pair is returned once.
 */
export class KeyPairs {
  readonly #ready: KeyPair[] = [];
  /** Called in order, each once there is a key pair for it. */
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;
  #wanted = -1;

  /** Key pairs that are made ahead and not used yet. */
  get ready(): number {
    return this.#ready.length;
  }

  take(): KeyPair {
    if (this.#wanted < maxReady) this.#wanted += 1;
    const keyPair = this.#ready.shift() ?? makeKeyPair();
    this.#makeMore();
    return keyPair;
  }

  /**
   * Calls `ready` once `take` need make none on this thread, and returns `true`. Returns `false`, and calls nothing, if one is ready, or
   * if this is the first: alone it is made sooner here.
   */
  wait(ready: () => void): boolean {
    if (this.#ready.length > 0 || this.#wanted < 0) return false;
    this.#waiting.push(ready);
    this.#makeMore();
    return true;
  }

  #makeMore(): void {
    while (this.#underWay < maxUnderWay && this.#lacksSome) {
      this.#underWay += 1;
      makeKeyPairAhead(this.#made);
    }
  }

  /** For each that waits one is made, though others may be ready by then: those are not its own to take. */
  get #lacksSome(): boolean {
    const underWay = this.#underWay;
    return underWay < this.#waiting.length || this.#ready.length + underWay < this.#wanted;
  }

  readonly #made = (keyPair: KeyPair | undefined): void => {
    this.#underWay -= 1;
    if (keyPair !== undefined) this.#ready.push(keyPair);
    // If none could be made, whoever waits makes one itself, and so finds out why.
    this.#waiting.shift()?.();
    if (this.#waiting.length > 0) this.#makeMore();
  };
}

/** Makes a key pair on this thread. For a single one this costs the process less than {@link makeKeyPairAhead}. */
export function makeKeyPair(): KeyPair {
  const ecdh = openssl().createECDH(curve);
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

/** Makes a key pair on another thread; it also derives its shared secret in half the time. `undefined` on failure. */
export function makeKeyPairAhead(done: (keyPair: KeyPair | undefined) => void): void {
  const options = { namedCurve: curve, publicKeyEncoding: { format: "der", type: "spki" } };
  // Without an encoding for the private key Node gives a `KeyObject`; its types lack that overload.
  const generate = openssl().generateKeyPair as unknown as (
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
      const publicKey = publicKeyOf(peerPublicKey);
      return publicKey && openssl().diffieHellman({ privateKey, publicKey });
    },
    deriveElsewhere: canDeriveElsewhere()
      ? (peerPublicKey, done) => deriveElsewhere(privateKey, publicKeyOf(peerPublicKey), done)
      : undefined,
  };
}

/** Node 23.11 and later: before that a callback would be ignored. Deno calls it before it returns. */
function canDeriveElsewhere(): boolean {
  return openssl().diffieHellman.length === 2 && !("deno" in process.versions);
}

type WithCallback = (
  keys: { readonly privateKey: KeyObject; readonly publicKey: KeyObject },
  callback: (error: Error | null, secret: Uint8Array | undefined) => void,
) => void;

function deriveElsewhere(
  privateKey: KeyObject,
  publicKey: KeyObject | undefined,
  done: (sharedSecret: Uint8Array | undefined) => void,
): void {
  if (publicKey === undefined) process.nextTick(done, undefined);
  else
    (openssl().diffieHellman as unknown as WithCallback)({ privateKey, publicKey }, (_, secret) =>
      done(secret),
    );
}

/** `undefined` if the bytes are not an uncompressed point on the curve: the rest of the encoding is our own. */
function publicKeyOf(bytes: Uint8Array): KeyObject | undefined {
  if (!isUncompressed(bytes)) return undefined;
  const key = Buffer.concat([Buffer.from(beforePoint, "hex"), bytes]);
  try {
    return openssl().createPublicKey({ key, format: "der", type: "spki" });
  } catch {
    return undefined;
  }
}

/** OpenSSL also accepts compressed and hybrid points, which the wire does not have. */
function isUncompressed(publicKey: Uint8Array): boolean {
  return publicKey.length === publicKeyBytes && publicKey[0] === uncompressedPoint;
}

function isInvalidPublicKey(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === "ERR_CRYPTO_ECDH_INVALID_PUBLIC_KEY";
}
