/** How a contract's data become bytes. */
export interface Codec {
  /** By which two ends find that they mean the same, such as `"json"`. */
  readonly name: string;
  /** Throws for what it has no bytes for. */
  readonly encode: (value: unknown) => string | Uint8Array;
  /** Throws for bytes that are none of its. Nothing else needs `data` afterwards. */
  readonly decode: (data: Uint8Array) => unknown;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The codec that contracts have by default: UTF-8 text, as `JSON.stringify` and `JSON.parse` have it. */
export const json: Codec = Object.freeze({
  name: "json",
  encode(value: unknown): string {
    const text: string | undefined = JSON.stringify(value);
    if (text === undefined) throw new TypeError(`JSON has no text for a ${typeof value}`);
    return text;
  },
  decode: (data: Uint8Array): unknown => JSON.parse(utf8.decode(data)),
});

export function isCodec(value: unknown): value is Codec {
  const { name, encode, decode } = Object(value) as Partial<Codec>;
  const isName = typeof name === "string" && name.length >= 1 && name.length <= 64;
  return isName && typeof encode === "function" && typeof decode === "function";
}

/** How many lists and objects may stand in each other. */
export const maxDepth = 256;

/**
 * What the bytes say, whatever the codec: nothing nested deeper than {@link maxDepth}, on which a schema would overflow the
 * stack, and no key `__proto__`, which would become the prototype of a copy. No bytes are `undefined`.
 *
 * Throws for what it has no value for.
 */
export function decodeData(codec: Codec, data: Uint8Array): unknown {
  if (data.length === 0) return undefined;
  if (codec === json) return decodeJson(data);
  const value = codec.decode(data);
  refuseHostile(value);
  return value;
}

function decodeJson(data: Uint8Array): unknown {
  const text = utf8.decode(data);
  const value: unknown = JSON.parse(text);
  // Neither can be in so short a text without these, and to look at every value costs about as much as to parse it. An
  // underscore may be written as an escape.
  if (text.length > maxDepth || text.includes("_proto_") || text.includes("\\u00")) refuseHostile(value);
  return value;
}

/** No bytes for `undefined`. */
export function encodeData(codec: Codec, value: unknown): string | Uint8Array {
  return value === undefined ? "" : codec.encode(value);
}

function refuseHostile(value: unknown): void {
  // A stack of our own: the other one is what is to be spared.
  const waiting: { readonly value: object; readonly depth: number }[] = [];
  const look = (inner: unknown, depth: number): void => {
    if (typeof inner !== "object" || inner === null || ArrayBuffer.isView(inner)) return;
    if (depth > maxDepth) throw new RangeError(`more than ${maxDepth} values stand in each other`);
    waiting.push({ value: inner, depth });
  };
  look(value, 1);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (Object.hasOwn(next.value, "__proto__")) throw new TypeError("a key is __proto__");
    const inner = next.value instanceof Map ? [...next.value.keys(), ...next.value.values()] : undefined;
    for (const each of inner ?? Object.values(next.value)) look(each, next.depth + 1);
  }
}
