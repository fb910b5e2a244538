import { TextDecoder, TextEncoder } from "node:util";

// Source: spec/protocol.md, "Text".

// The text that is read must be the text that was written: a byte order mark is part of it, as of a file's content.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

/** Bytes that are not UTF-8 become U+FFFD. */
export function toText(data: Uint8Array): string {
  return decoder.decode(data);
}

/** `undefined` if UTF-8 has no bytes for the text: half of a surrogate pair would arrive as U+FFFD. */
export function textBytes(text: string): Uint8Array | undefined {
  return text.isWellFormed() ? encoder.encode(text) : undefined;
}
