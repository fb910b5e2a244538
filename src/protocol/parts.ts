import { takeSmall } from "./slab.ts";

/** How many bytes the parts of something have together. */
export function lengthOfParts(parts: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const part of parts) bytes += part.length;
  return bytes;
}

/** Puts the parts one behind the other into `target`, from its start. */
export function copyParts(parts: readonly Uint8Array[], target: Uint8Array): void {
  let offset = 0;
  for (const part of parts) {
    target.set(part, offset);
    offset += part.length;
  }
}

/** All parts in one. */
export function joinParts(parts: readonly Uint8Array[]): Uint8Array {
  const joined = takeSmall(lengthOfParts(parts));
  copyParts(parts, joined);
  return joined;
}
