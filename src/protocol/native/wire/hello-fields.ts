import { joinParts } from "../../parts.ts";
import { decodeUtf8, encodeUtf8 } from "../../utf8.ts";
import { invalidFrame } from "./frame.ts";

// The fields of a hello. Source: spec/protocol.md, "Native hello".

/** Max bytes of UTF-8 in each of a hello's texts. */
export const maxTextBytes = 255;

export function encodeText(text: string): Uint8Array {
  const bytes = encodeUtf8(text);
  if (bytes.length > maxTextBytes)
    throw new RangeError(`a hello has no room for ${bytes.length} bytes of text`);
  return joinParts([Uint8Array.of(bytes.length), bytes]);
}

/** Reads a body from its start to its end. */
export class Fields {
  #rest: Uint8Array;

  constructor(body: Uint8Array) {
    this.#rest = body;
  }

  get isEmpty(): boolean {
    return this.#rest.length === 0;
  }

  take(count: number): Uint8Array {
    if (count > this.#rest.length) throw invalidFrame("a hello that is cut short");
    const bytes = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return bytes;
  }

  takeCopy(count: number): Uint8Array {
    // Not `slice`, which is a view if the body is one of Node's buffers.
    return Uint8Array.from(this.take(count));
  }

  takeByte(): number {
    return this.take(1)[0] as number;
  }

  takeText(): string {
    const { text, valid } = decodeUtf8(this.take(this.takeByte()));
    if (!valid) throw invalidFrame("a hello with a text that is no UTF-8");
    return text;
  }
}
