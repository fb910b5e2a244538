import type { CryptoProvider } from "../crypto-provider.ts";

/**
 * The one key of both directions: SHA-256 of the shared point's X coordinate as a big integer's shortest bytes.
 * The leading zero bytes that are dropped make no difference but in about one handshake of 256, and there they make
 * all of it: keeping them gives a key that golang-ipc does not have.
 *
 * Source: spec/protocol.md, "Key".
 */
export function deriveTrafficKey(sharedSecret: Uint8Array, crypto: CryptoProvider): Uint8Array {
  let start = 0;
  while (start < sharedSecret.length && sharedSecret[start] === 0) start += 1;
  return crypto.sha256(sharedSecret.subarray(start));
}
