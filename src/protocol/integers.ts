// Unsigned big-endian integers of four bytes, as the wire has them.

export function writeUint32(target: Uint8Array, value: number, offset: number): void {
  target[offset] = value >>> 24;
  target[offset + 1] = value >>> 16;
  target[offset + 2] = value >>> 8;
  target[offset + 3] = value;
}

export function readUint32(source: Uint8Array, offset: number): number {
  const high = (source[offset] as number) * 0x1000000;
  const low =
    ((source[offset + 1] as number) << 16) |
    ((source[offset + 2] as number) << 8) |
    (source[offset + 3] as number);
  return high + low;
}

/** One number as its four bytes. */
export function encodeUint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  writeUint32(bytes, value, 0);
  return bytes;
}
