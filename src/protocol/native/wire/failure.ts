import { joinParts } from "../../parts.ts";
import { decodeUtf8, encodeUtf8 } from "../../utf8.ts";
import { invalidFrame, maxBodyBytes } from "./frame.ts";

// The content of a failure. Source: spec/protocol.md, "Requests".

/** Max bytes of a failure's data: with its code and message they have to fit into one frame. */
export const maxFailureDataBytes = 65_536;

const failureCode = /^[A-Z0-9_]{1,64}$/;

export function isFailureCode(code: unknown): code is string {
  return typeof code === "string" && failureCode.test(code);
}

/** A code of at most 64 ASCII characters, after its length. */
export function encodeCode(code: string): Uint8Array {
  const bytes = encodeUtf8(code);
  return joinParts([Uint8Array.of(bytes.length), bytes]);
}

/** A code, and as much of the message as fits into a frame with it. */
export function encodeFailure(code: string, message: string): Uint8Array {
  return joinParts([encodeCode(code), encodeUtf8(message, maxBodyBytes - 128)]);
}

/**
 * What the body of a frame says that has an id, a code and a message, unless that is given.
 * @throws PeerError `ERR_FRAME_INVALID`
 */
export function decodeFailure(
  body: Uint8Array,
  message?: Uint8Array,
): { readonly code: string; readonly message: string } {
  const codeEnd = 5 + (body[4] as number);
  const code = decodeUtf8(body.subarray(5, codeEnd)).text;
  if (codeEnd > body.length || !isFailureCode(code)) throw invalidFrame("a failure without a code");
  return { code, message: decodeUtf8(message ?? body.subarray(codeEnd)).text };
}

/**
 * The same of a frame in which the message has a length and data follow it, and the offset at which these begin.
 * @throws PeerError `ERR_FRAME_INVALID`
 */
export function decodeFailureWithData(body: Uint8Array): {
  readonly failure: { readonly code: string; readonly message: string };
  readonly dataStart: number;
} {
  const codeEnd = 5 + (body[4] as number);
  const messageStart = codeEnd + 2;
  const dataStart = messageStart + 256 * (body[codeEnd] ?? 0) + (body[codeEnd + 1] ?? 0);
  if (dataStart > body.length) throw invalidFrame("a failure whose message is cut short");
  const failure = decodeFailure(body.subarray(0, codeEnd), body.subarray(messageStart, dataStart));
  return { failure, dataStart };
}
