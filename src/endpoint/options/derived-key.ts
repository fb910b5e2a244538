import { nodeCrypto } from "../../crypto/node.ts";
import { CallerError } from "../../errors.ts";
import { textBytes } from "../messages/text.ts";

// Source: spec/protocol.md, "Derived keys".

const salt = textBytes("sealpipe derived 1") as Uint8Array;
const maxLabelBytes = 255;

/**
 * 32 bytes that whoever has the secret can derive.
 * @throws CallerError `ERR_INVALID_ARGUMENT`
 */
export function derivedKey(secret: Uint8Array | undefined, label: string): Uint8Array | undefined {
  const bytes = typeof label === "string" ? textBytes(label) : undefined;
  if (bytes === undefined || bytes.length < 1 || bytes.length > maxLabelBytes) {
    throw new CallerError(
      "ERR_INVALID_ARGUMENT",
      `a key's label is a string of 1 to ${maxLabelBytes} bytes of UTF-8`,
    );
  }
  if (secret === undefined) return undefined;
  const early = nodeCrypto.hmacSha256(salt, [secret]);
  // HKDF-Expand of one block.
  const key = Uint8Array.from(nodeCrypto.hmacSha256(early, [bytes, Uint8Array.of(1)]));
  early.fill(0);
  return key;
}
