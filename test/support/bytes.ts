/** `hex("02 01")`: bytes as one reads them on the wire. */
export function hex(text: string): Uint8Array {
  const digits = text.replaceAll(/\s/g, "");
  if (!/^([0-9a-f]{2})*$/.test(digits)) throw new Error(`no hexadecimal bytes: ${text}`);
  return Uint8Array.from({ length: digits.length / 2 }, (_, index) =>
    Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16),
  );
}

/** The other way round: `"02 01"`. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** Big-endian, 4 bytes. */
export function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** `count` bytes, of which no two neighbours are equal, so that a lost or moved byte shows. */
export function pattern(count: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => (i * 31 + seed * 17 + (i >> 8) * 7) & 0xff);
}

/** A copy with one bit flipped, counted from the first byte's lowest. */
export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const index = bit >> 3;
  copy[index] = (copy[index] as number) ^ (1 << (bit & 7));
  return copy;
}
