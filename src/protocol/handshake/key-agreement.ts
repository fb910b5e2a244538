import { PeerError } from "../../errors.ts";
import { deriveTrafficKey } from "../classic/key-schedule.ts";
import { RecordProtection } from "../classic/record.ts";
import { type CryptoProvider, type KeyPair, publicKeyBytes } from "../crypto-provider.ts";
import { equalBytes } from "../equal-bytes.ts";
import type { ReceiveBuffer } from "../receive-buffer.ts";

/** What the key pairs of both ends have led to, before it is settled which profile they speak. */
export interface KeyAgreement {
  /** The classic profile's. */
  readonly records: RecordProtection;
  readonly ownPublicKey: Uint8Array;
  readonly peerPublicKey: Uint8Array;
  readonly sharedSecret: Uint8Array;
}

/** To be called as soon as the profile is settled, or if it never will be. The records are kept if they are spoken. */
export function wipeAgreement(agreement: KeyAgreement | undefined, keep?: "classic"): void {
  agreement?.sharedSecret.fill(0);
  if (keep === undefined) agreement?.records.wipe();
}

/**
 * The agreement, once all of the peer's public key is there.
 * @throws PeerError `ERR_INVALID_PUBLIC_KEY`
 */
export function agreeOnKeys(
  input: ReceiveBuffer,
  keyPair: KeyPair,
  crypto: CryptoProvider,
): KeyAgreement | undefined {
  if (input.length < publicKeyBytes) return undefined;
  // A copy: what was taken is a view of the chunk in which it came.
  const peerPublicKey = input.take(publicKeyBytes);
  const reflected = equalBytes(peerPublicKey, keyPair.publicKey);
  const sharedSecret = reflected ? undefined : keyPair.deriveSharedSecret(peerPublicKey);
  if (sharedSecret === undefined) {
    throw new PeerError(
      "ERR_INVALID_PUBLIC_KEY",
      reflected
        ? "the peer sent our own public key back"
        : "the peer's public key is no uncompressed point on the curve P-384",
    );
  }
  const key = deriveTrafficKey(sharedSecret, crypto);
  const records = new RecordProtection(key, crypto);
  key.fill(0);
  return { records, ownPublicKey: keyPair.publicKey, peerPublicKey, sharedSecret };
}
