import type { NamedMember } from "./event.ts";
import type { ParsedOptions } from "./options.ts";

/** Data as an event has them. */
export interface DataFields {
  readonly bytes: number;
  readonly text?: string;
  readonly base64?: string;
  readonly decoded?: string | undefined;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A copy of data, as text or base64, decoded by a contract; of data that are too long to be kept, only how long. */
export function keptData(
  { maxPayloadBytes, decoder }: ParsedOptions,
  given: unknown,
  { kind, type }: Pick<NamedMember, "kind"> & { readonly type: number },
): DataFields {
  const data = bytesOf(given);
  const bytes = data.length;
  if (bytes > maxPayloadBytes) return { bytes };
  const decoded = decoder.decode(kind, type, data);
  try {
    return { bytes, text: utf8.decode(data), decoded };
  } catch {
    return { bytes, base64: data.toString("base64"), decoded };
  }
}

/** Of what is no data, such as a handler's answer that is none, there are no bytes. */
function bytesOf(given: unknown): Buffer {
  if (typeof given === "string") return Buffer.from(given);
  if (ArrayBuffer.isView(given)) return Buffer.from(given.buffer, given.byteOffset, given.byteLength);
  const { data } = Object(given) as { readonly data?: unknown };
  return ArrayBuffer.isView(data) ? bytesOf(data) : Buffer.alloc(0);
}
