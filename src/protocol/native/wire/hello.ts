import { readUint32, writeUint32 } from "../../integers.ts";
import { joinParts } from "../../parts.ts";
import { isFailureCode } from "./failure.ts";
import { encodeFrame, frameKinds, invalidFrame } from "./frame.ts";
import { encodeText, Fields } from "./hello-fields.ts";
import type { Positions, Windows } from "./lanes.ts";
import { decodeOffers, decodeWindow, encodeOffers, type Offers } from "./offers.ts";
import { decodePositions, encodePositions, positionsBytes } from "./positions.ts";

// Source: spec/protocol.md, "Native hello".

export const sessionIdBytes = 16;
const proofBytes = 32;

/** What the client wants: a session that cannot be resumed, a new one, or the one it had. */
export type ClientSession =
  | { readonly kind: "none" }
  | { readonly kind: "new"; readonly sessionId?: undefined }
  | {
      readonly kind: "resume";
      readonly sessionId: Uint8Array;
      readonly received: Positions;
      readonly proof: Uint8Array;
    };

/** The server's answer to that. */
export type ServerSession =
  | { readonly kind: "none" }
  | { readonly kind: "new"; readonly sessionId: Uint8Array }
  | { readonly kind: "resumed"; readonly received: Positions; readonly proof: Uint8Array }
  /** The server ends the connection, for the reason that the code gives. */
  | { readonly kind: "refused"; readonly code: string; readonly message: string };

interface SessionOf {
  readonly client: ClientSession;
  readonly server: ServerSession;
}

export interface NativeHello<S extends ClientSession | ServerSession = ClientSession | ServerSession> {
  /** Largest `data` of a message that the sender accepts. */
  readonly maxMessageBytes: number;
  /** Max bytes of each lane's frames that the sender accepts before it acknowledges. */
  readonly windows: Windows;
  readonly pid: number;
  /** The library and its version. */
  readonly library: string;
  readonly application: string;
  readonly applicationVersion: string;
  readonly session: S;
  /** Absent from the hello of an end that predates features, and so offers none. */
  readonly offers?: Offers;
}

const fixedBytes = 20;

/** Encodes the whole frame. The caller has checked the application's texts, which have at most 255 bytes. */
export function encodeNativeHello(hello: NativeHello): Uint8Array {
  const fixed = new Uint8Array(fixedBytes);
  [hello.maxMessageBytes, ...hello.windows, hello.pid].forEach((number, index) => {
    writeUint32(fixed, number, 4 * index);
  });
  const body = [
    fixed,
    encodeText(hello.library),
    encodeText(hello.application),
    encodeText(hello.applicationVersion),
    ...encodeSession(hello.session),
    ...(hello.offers === undefined ? [] : [encodeOffers(hello.offers)]),
  ];
  return encodeFrame(frameKinds.hello, joinParts(body));
}

/**
 * Decodes the body of a hello that `from` has sent. Nothing of `body` is kept.
 * @throws PeerError `ERR_FRAME_INVALID`
 */
export function decodeNativeHello<S extends keyof SessionOf>(
  body: Uint8Array,
  from: S,
): NativeHello<SessionOf[S]> {
  const fields = new Fields(body);
  const fixed = fields.take(fixedBytes);
  const decodeSession: () => SessionOf[keyof SessionOf] =
    from === "client" ? () => decodeClientSession(fields) : () => decodeServerSession(fields);
  const hello: NativeHello<SessionOf[S]> = {
    maxMessageBytes: readUint32(fixed, 0),
    windows: [decodeWindow(fixed, 4), decodeWindow(fixed, 8), decodeWindow(fixed, 12)],
    pid: readUint32(fixed, 16),
    library: fields.takeText(),
    application: fields.takeText(),
    applicationVersion: fields.takeText(),
    session: decodeSession() as SessionOf[S],
  };
  return fields.isEmpty ? hello : { ...hello, offers: decodeOffers(fields, from) };
}

function encodeSession(session: ClientSession | ServerSession): Uint8Array[] {
  switch (session.kind) {
    case "none":
      return [Uint8Array.of(0)];
    case "new":
      return session.sessionId === undefined ? [Uint8Array.of(1)] : [Uint8Array.of(1), session.sessionId];
    case "resume":
      return [Uint8Array.of(2), session.sessionId, encodeReceived(session.received), session.proof];
    case "resumed":
      return [Uint8Array.of(2), encodeReceived(session.received), session.proof];
    case "refused":
      return [Uint8Array.of(3), encodeText(session.code), encodeText(session.message)];
  }
}

/** That of the lane of streams stands among the offers. */
function encodeReceived([messages, requests, answers]: Positions): Uint8Array {
  return encodePositions([messages, requests, answers]);
}

function decodeClientSession(fields: Fields): ClientSession {
  switch (fields.takeByte()) {
    case 0:
      return { kind: "none" };
    case 1:
      return { kind: "new" };
    case 2:
      return { kind: "resume", sessionId: fields.takeCopy(sessionIdBytes), ...takeReceived(fields) };
    default:
      throw invalidFrame("a hello with an unknown kind of session");
  }
}

function decodeServerSession(fields: Fields): ServerSession {
  switch (fields.takeByte()) {
    case 0:
      return { kind: "none" };
    case 1:
      return { kind: "new", sessionId: fields.takeCopy(sessionIdBytes) };
    case 2:
      return { kind: "resumed", ...takeReceived(fields) };
    case 3:
      return takeRefusal(fields);
    default:
      throw invalidFrame("a hello with an unknown kind of session");
  }
}

function takeRefusal(fields: Fields): ServerSession {
  const code = fields.takeText();
  if (!isFailureCode(code)) throw invalidFrame("a refusal without a code");
  return { kind: "refused", code, message: fields.takeText() };
}

function takeReceived(fields: Fields): { received: Positions; proof: Uint8Array } {
  return {
    received: decodePositions(fields.take(positionsBytes)),
    proof: fields.takeCopy(proofBytes),
  };
}
