import { concat, hex, pattern } from "./bytes.ts";

/**
 * Bytes that are not an uncompressed point on P-384, made from a good one: all 97 bytes long, except where the name
 * says otherwise.
 */
export function invalidPublicKeys(good: Uint8Array): Record<string, Uint8Array> {
  const x = good.subarray(1, 49);
  const y = good.subarray(49);
  const parity = (y[47] as number) & 1;
  const padding = new Uint8Array(48);
  return {
    "97 bytes of junk": pattern(97),
    "97 bytes of junk that begin as a point does": concat(hex("04"), pattern(96)),
    "a point off the curve": concat(hex("04"), x, y.subarray(0, 47), Uint8Array.of((y[47] as number) ^ 1)),
    "X and Y exchanged": concat(hex("04"), y, x),
    "the point at infinity, padded": new Uint8Array(97),
    "the origin": concat(hex("04"), new Uint8Array(96)),
    "a coordinate that is no element of the field": concat(hex("04"), new Uint8Array(96).fill(0xff)),
    "an even compressed point, padded": concat(hex("02"), x, padding),
    "an odd compressed point, padded": concat(hex("03"), x, padding),
    "the point in hybrid form": concat(Uint8Array.of(6 + parity), x, y),
    "the point in hybrid form of the wrong sign": concat(Uint8Array.of(7 - parity), x, y),
    "the point with another first byte": concat(hex("05"), x, y),
  };
}
