/** Whether this engine can give memory back before its garbage collector does: Node from 22 on. */
export const givesBack = "transfer" in ArrayBuffer.prototype;

/** The length of what had `bytes` and was given back: nothing is left of it, or all of it where the engine cannot. */
export function lengthOnceGiven(bytes: number): number {
  return givesBack ? 0 : bytes;
}
