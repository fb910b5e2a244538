/**
 * MessagePack as the codec of a contract.
 *
 * @module sealpipe/msgpack
 */

import { decode, encode } from "@msgpack/msgpack";
import type { Codec } from "./contract/codec.ts";

/**
 * MessagePack for contracts, by the package `@msgpack/msgpack`, which the program has to install. It has bytes, `NaN`,
 * infinities and dates; it has no `BigInt`, and a property that is `undefined` is left out.
 *
 * @example
 * ```ts
 * import { bytes, contract, method } from "sealpipe/contract";
 * import { msgpack } from "sealpipe/msgpack";
 *
 * const files = contract("files", { hash: method(1, { input: bytes, output: bytes }) }, { codec: msgpack });
 * console.log(Object.keys(files)); // [ 'hash' ]
 * ```
 */
export const msgpack: Codec = Object.freeze({
  name: "msgpack",
  encode: (value: unknown): Uint8Array => encode(value, { ignoreUndefined: true, maxDepth: 256 }),
  decode: (data: Uint8Array): unknown => decode(data),
});
