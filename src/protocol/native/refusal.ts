import { PeerError, type PeerErrorCode } from "../../errors.ts";
import type { ServerSession } from "./wire/hello.ts";
import { maxTextBytes } from "./wire/hello-fields.ts";

/** What a server's hello says if the server ends the connection. Source: spec/protocol.md, "Native hello". */
type Refusal = Extract<ServerSession, { readonly kind: "refused" }>;

/** The codes with which a server's hello may refuse this end's. */
const refusalCodes = {
  ERR_AUTHENTICATION_FAILED: true,
  ERR_FRAME_INVALID: true,
  ERR_FRAME_TOO_LARGE: true,
  ERR_FRAME_TOO_SHORT: true,
} as const satisfies Partial<Record<PeerErrorCode, true>>;

/** Tells the client what is wrong. */
export function refusalFor({ code, message }: PeerError): Refusal {
  // The library's own texts have one byte for each character, so they are cut to what a hello has room for.
  return { kind: "refused", code, message: message.slice(0, maxTextBytes) };
}

/** The error at the client that is refused. */
export function refusedBy({ code, message }: Refusal): PeerError {
  const known = Object.hasOwn(refusalCodes, code);
  return new PeerError(
    known ? (code as keyof typeof refusalCodes) : "ERR_HANDSHAKE_REJECTED",
    `the server refused this end's hello, with ${code}: ${message}`,
  );
}
