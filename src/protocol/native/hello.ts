import { readUint32, writeUint32 } from "../integers.ts";
import { joinParts } from "../parts.ts";
import { encodeFrame, frameKinds, invalidFrame } from "./frame.ts";
import { highestWindow, lowestWindow, type Positions, type Windows } from "./lanes.ts";
import { decodePositions, encodePositions, positionsBytes } from "./positions.ts";

// Source: spec/protocol.md, "Native hello".

export const sessionIdBytes = 16;
export const proofBytes = 32;
/** Most bytes of UTF-8 in each of a hello's texts. */
export const highestTextBytes = 255;

/** What the client wants: no session that can be resumed, a new one, or the one it had. */
export type ClientSession =
  | { readonly kind: "none" }
  | { readonly kind: "new"; readonly sessionId?: undefined }
  | {
      readonly kind: "resume";
      readonly sessionId: Uint8Array;
      readonly received: Positions;
      readonly proof: Uint8Array;
    };

/** What the server makes of it. */
export type ServerSession =
  | { readonly kind: "none" }
  | { readonly kind: "new"; readonly sessionId: Uint8Array }
  | { readonly kind: "resumed"; readonly received: Positions; readonly proof: Uint8Array };

interface SessionOf {
  readonly client: ClientSession;
  readonly server: ServerSession;
}

export interface NativeHello<S extends ClientSession | ServerSession = ClientSession | ServerSession> {
  /** Largest `data` of a message that the sender takes. */
  readonly maxMessageBytes: number;
  /** Most bytes of each lane's frames that the sender takes before it acknowledges. */
  readonly windows: Windows;
  readonly pid: number;
  /** The library and its version. */
  readonly library: string;
  readonly application: string;
  readonly applicationVersion: string;
  readonly session: S;
}

const fixedBytes = 20;

/** The whole frame. The caller has checked what the application gave: texts of at most 255 bytes. */
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
  ];
  return encodeFrame(frameKinds.hello, joinParts(body));
}

/**
 * What a frame's body says that `from` has sent. Nothing of `body` is kept.
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
  return {
    maxMessageBytes: readUint32(fixed, 0),
    windows: [decodeWindow(fixed, 4), decodeWindow(fixed, 8), decodeWindow(fixed, 12)],
    pid: readUint32(fixed, 16),
    library: fields.takeText(),
    application: fields.takeText(),
    applicationVersion: fields.takeText(),
    session: decodeSession() as SessionOf[S],
  };
}

function encodeText(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > highestTextBytes)
    throw new RangeError(`a hello has no room for ${bytes.length} bytes of text`);
  return joinParts([Uint8Array.of(bytes.length), bytes]);
}

function encodeSession(session: ClientSession | ServerSession): Uint8Array[] {
  switch (session.kind) {
    case "none":
      return [Uint8Array.of(0)];
    case "new":
      return session.sessionId === undefined ? [Uint8Array.of(1)] : [Uint8Array.of(1), session.sessionId];
    case "resume":
      return [Uint8Array.of(2), session.sessionId, encodePositions(session.received), session.proof];
    case "resumed":
      return [Uint8Array.of(2), encodePositions(session.received), session.proof];
  }
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
    default:
      throw invalidFrame("a hello with an unknown kind of session");
  }
}

function takeReceived(fields: Fields): { received: Positions; proof: Uint8Array } {
  return {
    received: decodePositions(fields.take(positionsBytes)),
    proof: fields.takeCopy(proofBytes),
  };
}

function decodeWindow(fixed: Uint8Array, offset: number): number {
  const bytes = readUint32(fixed, offset);
  if (bytes >= lowestWindow && bytes <= highestWindow) return bytes;
  throw invalidFrame(`a hello with a window of ${bytes} bytes`);
}

/** A body from its start to its end. */
class Fields {
  #rest: Uint8Array;

  constructor(body: Uint8Array) {
    this.#rest = body;
  }

  take(count: number): Uint8Array {
    if (count > this.#rest.length) throw invalidFrame("a hello that is cut short");
    const bytes = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return bytes;
  }

  takeCopy(count: number): Uint8Array {
    // Not `slice`, which is a view where the body is one of Node's buffers.
    return Uint8Array.from(this.take(count));
  }

  takeByte(): number {
    return this.take(1)[0] as number;
  }

  takeText(): string {
    const bytes = this.take(this.takeByte());
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw invalidFrame("a hello with a text that is no UTF-8");
    }
  }
}
