import { bytes } from "./bytes.ts";
import { type Codec, decodeData, encodeData } from "./codec.ts";
import { invalid } from "./members.ts";
import type { Schema } from "./schema.ts";
import { notDecoded, type Validation, validate } from "./validation.ts";

/**
 * What goes over the wire for `value`, as it is: what a schema would make of it is the receiver's business.
 *
 * @throws CallerError `ERR_INVALID_ARGUMENT` if the codec has no bytes for it. `what` says whose value it is.
 */
export function encode(
  codec: Codec,
  part: { readonly schema: Schema | undefined; readonly what: string },
  value: unknown,
): string | Uint8Array {
  const { schema, what } = part;
  if (schema === undefined) return "";
  // The core says what is wrong with what is no bytes.
  if (schema === bytes && typeof value !== "string") return value as Uint8Array;
  try {
    return encodeData(codec, value);
  } catch (cause) {
    throw Object.assign(invalid(`${what} cannot be encoded as ${codec.name}: ${(cause as Error).message}`), {
      cause,
    });
  }
}

/** What arrived, if it fits. Never throws or rejects. */
export function decode(
  codec: Codec,
  schema: Schema | undefined,
  data: Uint8Array,
): Validation | Promise<Validation> {
  if (schema === undefined) return { fits: true, value: undefined };
  if (schema === bytes) return { fits: true, value: data };
  let value: unknown;
  try {
    value = decodeData(codec, data);
  } catch (error) {
    return notDecoded(codec.name, error);
  }
  return validate(schema, value);
}
