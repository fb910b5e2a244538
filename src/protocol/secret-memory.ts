/**
 * Memory for `count` bytes of a secret, which can be overwritten for good. Engines keep small arrays among their objects and
 * move those about, which leaves copies behind that nobody can reach; a buffer that is made by itself stays where it is.
 */
export function secretMemory(count: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(count));
}

export function secretCopy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = secretMemory(bytes.length);
  copy.set(bytes);
  return copy;
}
