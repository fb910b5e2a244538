/**
 * Memory for `count` bytes of a secret, which can be overwritten for good. JavaScript engines keep the bytes of small
 * typed arrays among their objects and move them, which leaves copies that nobody can reach; the bytes of a separate
 * `ArrayBuffer` stay where they are.
 */
export function secretMemory(count: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(count));
}

export function secretCopy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = secretMemory(bytes.length);
  copy.set(bytes);
  return copy;
}
