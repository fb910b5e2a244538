import { PeerError } from "../../errors.ts";
import { deriveTrafficKey } from "../classic/key-schedule.ts";
import { RecordProtection } from "../classic/record.ts";
import { type CryptoProvider, type KeyPair, publicKeyBytes } from "../crypto-provider.ts";
import { equalBytes } from "../equal-bytes.ts";
import type { ReceiveBuffer } from "../receive-buffer.ts";

/** The result of the key agreement, before it is settled which profile both ends speak. */
export interface KeyAgreement {
  /** For the classic profile. */
  readonly records: RecordProtection;
  readonly ownPublicKey: Uint8Array;
  readonly peerPublicKey: Uint8Array;
  readonly sharedSecret: Uint8Array;
}

/**
 * Call this as soon as the profile is settled, or if it never will be. `keep` the records if the profile is classic.
 */
export function wipeAgreement(agreement: KeyAgreement | undefined, keep?: "classic"): void {
  agreement?.sharedSecret.fill(0);
  if (keep === undefined) agreement?.records.wipe();
}

/** The keys of both ends, before they are agreed on. */
export interface BothKeys {
  readonly keyPair: KeyPair;
  readonly peerPublicKey: Uint8Array;
}

/** The peer's public key, once all of it is there. */
export function takePublicKey(input: ReceiveBuffer): Uint8Array | undefined {
  // `take` copies: the key must not be a view of the chunk in which it arrived.
  return input.length < publicKeyBytes ? undefined : input.take(publicKeyBytes);
}

/**
 * @param derived The shared secret, if it has been derived already.
 * @throws PeerError `ERR_INVALID_PUBLIC_KEY`
 */
export function agreeOnKeys(
  { keyPair, peerPublicKey }: BothKeys,
  crypto: CryptoProvider,
  derived?: Uint8Array,
): KeyAgreement {
  const reflected = equalBytes(peerPublicKey, keyPair.publicKey);
  const sharedSecret = reflected ? undefined : (derived ?? keyPair.deriveSharedSecret(peerPublicKey));
  if (sharedSecret === undefined) {
    throw new PeerError(
      "ERR_INVALID_PUBLIC_KEY",
      reflected
        ? "the peer sent our own public key back"
        : "the peer's public key is not an uncompressed point on the curve P-384",
    );
  }
  const key = deriveTrafficKey(sharedSecret, crypto);
  const records = new RecordProtection(key, crypto);
  key.fill(0);
  return { records, ownPublicKey: keyPair.publicKey, peerPublicKey, sharedSecret };
}
