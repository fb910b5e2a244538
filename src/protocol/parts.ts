import { takeSmall } from "./slab.ts";

/** The total length of the parts in bytes. */
export function lengthOfParts(parts: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const part of parts) bytes += part.length;
  return bytes;
}

/** Copies the parts one after the other to the start of `target`. */
export function copyParts(parts: readonly Uint8Array[], target: Uint8Array): void {
  let offset = 0;
  for (const part of parts) {
    target.set(part, offset);
    offset += part.length;
  }
}

/** Concatenates the parts. */
export function joinParts(parts: readonly Uint8Array[]): Uint8Array {
  const joined = takeSmall(lengthOfParts(parts));
  copyParts(parts, joined);
  return joined;
}
