import type { SealpipeError } from "../../errors.ts";
import type { EngineEvent } from "../../protocol/engine-options.ts";
import type { SessionAnswer } from "../../protocol/native/options.ts";

/** An engine that has opened. */
export type EngineOpened = Extract<EngineEvent, { kind: "open" }>;

export type ArrivedMessage = Extract<EngineEvent, { kind: "message" }>;

/** Events of requests; only the native profile has them. */
export type RequestEvent = Exclude<EngineEvent, { kind: "open" | "resume" | "message" | "closed" }>;

/** Callbacks for the events of an engine that has opened. */
export interface ConnectionHandler {
  message(event: ArrivedMessage): void;
  /** A request, an answer, a failure or a cancel. */
  request(event: RequestEvent): void;
  /** Some of what was written has left this process. */
  progressed(): void;
  /** The engine has ended; without an error, in order. Only `released` follows. */
  closed(error?: SealpipeError): void;
  /** The transport is gone, and all its resources are freed. */
  released(): void;
}

/** The same, and those of its handshake. */
export interface DriverHandler extends ConnectionHandler {
  opened?(event: EngineOpened): void;
  /** The session that a client wants to resume, or why it has ended. Absent if there are no sessions to resume. */
  resume?(sessionId: Uint8Array): SessionAnswer;
  /** A costly step of the handshake is done. */
  tookTurn?(): void;
}

/** A handler that ignores everything. */
export const deaf: ConnectionHandler = {
  message: () => {},
  request: () => {},
  progressed: () => {},
  closed: () => {},
  released: () => {},
};
