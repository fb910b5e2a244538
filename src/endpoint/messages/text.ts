import { TextDecoder, TextEncoder } from "node:util";

// Source: spec/protocol.md, "Text".

// What is read is what was written: a byte order mark is a part of a text, as a file's.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

/** Bytes that are no UTF-8 become U+FFFD. */
export function toText(data: Uint8Array): string {
  return decoder.decode(data);
}

/** `undefined` if UTF-8 has no bytes for the text: half of a surrogate pair would arrive as U+FFFD. */
export function textBytes(text: string): Uint8Array | undefined {
  return text.isWellFormed() ? encoder.encode(text) : undefined;
}
