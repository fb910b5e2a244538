/**
 * CBOR as the codec of a contract.
 *
 * @module sealpipe/cbor
 */

import { decode, encode } from "cborg";
import type { Codec } from "./contract/codec.ts";

/**
 * CBOR for contracts, by the package `cborg`, which the program has to install. It has bytes, `NaN`, infinities, and whole
 * numbers of 64 bits, which arrive as `BigInt` if a `number` cannot hold them; it has no dates, and a property that is
 * `undefined` is left out.
 *
 * @example
 * ```ts
 * import { bytes, contract, method } from "sealpipe/contract";
 * import { cbor } from "sealpipe/cbor";
 *
 * const files = contract("files", { hash: method(1, { input: bytes, output: bytes }) }, { codec: cbor });
 * console.log(Object.keys(files)); // [ 'hash' ]
 * ```
 */
export const cbor: Codec = Object.freeze({
  name: "cbor",
  encode: (value: unknown): Uint8Array => encode(value, { ignoreUndefinedProperties: true }),
  decode: (data: Uint8Array): unknown => decode(data, { rejectDuplicateMapKeys: true }),
});
