import type { CryptoProvider } from "../crypto-provider.ts";

/**
 * The one key of both directions: SHA-256 of the shared point's X coordinate without its leading zero bytes. About
 * one handshake in 256 has such zero bytes; to keep them would give another key than golang-ipc's.
 *
 * Source: spec/protocol.md, "Key".
 */
export function deriveTrafficKey(sharedSecret: Uint8Array, crypto: CryptoProvider): Uint8Array {
  let start = 0;
  while (start < sharedSecret.length && sharedSecret[start] === 0) start += 1;
  return crypto.sha256(sharedSecret.subarray(start));
}
