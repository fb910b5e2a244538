import type { Received } from "#dist/protocol/memory.js";

/** Whether this engine can give memory back before its garbage collector does: Node from 22 on. */
export const givesBack = "transfer" in ArrayBuffer.prototype;

/** The length of what had `bytes` and was given back: nothing is left of it, or all of it where the engine cannot. */
export function lengthOnceGiven(bytes: number): number {
  return givesBack ? 0 : bytes;
}

/** Bytes as a receiver gets them when their memory is somebody else's, or its own. */
export const lent = (bytes: Uint8Array): Received => ({ bytes, owned: false });
export const owned = (bytes: Uint8Array): Received => ({ bytes, owned: true });
