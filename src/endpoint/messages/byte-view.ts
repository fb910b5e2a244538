import { CallerError } from "../../errors.ts";

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
/** The intrinsic properties of an array, whatever its class or its own properties claim. */
const tagOf = intrinsic<string | undefined>(Symbol.toStringTag);
const bufferOf = intrinsic<ArrayBufferLike>("buffer");
const offsetOf = intrinsic<number>("byteOffset");
const lengthOf = intrinsic<number>("length");

/** For more bytes than this the cost of a view does not matter. */
const maxPlainBytes = 4_096;

/**
 * The bytes that a caller passes, as an array whose properties can be relied on: no class of the caller's can claim
 * another length, and the length stays if the buffer is resized.
 *
 * @throws CallerError `ERR_INVALID_ARGUMENT` for anything but a Uint8Array, of any realm, and for one whose memory was
 *   transferred, or is no longer within its buffer.
 */
export function byteView(data: unknown): Uint8Array {
  if (!isUint8Array(data)) {
    throw new CallerError("ERR_INVALID_ARGUMENT", "data must be a string or a Uint8Array");
  }
  if (isPlain(data)) return data;
  const count = lengthOf(data);
  try {
    // An array whose memory was transferred also has length 0; only the copy of such an array throws.
    return count === 0 ? new Uint8Array(data) : new Uint8Array(bufferOf(data), offsetOf(data), count);
  } catch {
    throw new CallerError(
      "ERR_INVALID_ARGUMENT",
      "the memory of data was transferred, or is outside its buffer",
    );
  }
}

function isUint8Array(data: unknown): data is Uint8Array {
  return typeof data === "object" && data !== null && tagOf(data) === "Uint8Array";
}

/** Most data that are written need no view, and this check is cheaper than one. */
function isPlain(data: Uint8Array): boolean {
  const prototype: unknown = Object.getPrototypeOf(data);
  if (prototype !== Uint8Array.prototype && prototype !== Buffer.prototype) return false;
  return data.length > 0 && data.length <= maxPlainBytes && data.length === lengthOf(data);
}

function intrinsic<T>(property: string | symbol): (array: object) => T {
  const { get } = Object.getOwnPropertyDescriptor(typedArray, property) as { get(): T };
  return (array) => get.call(array);
}
