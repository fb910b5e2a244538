/** Who caused an error: the calling program, the process at the other end, or the operating system. */
export type Fault = "caller" | "peer" | "system";

/**
 * Every error code of the library, with its fault. Each has a heading in `docs/errors.md`, which says what it means
 * and what to do about it.
 */
export const errorCodes = {
  ERR_ADDRESS_TOO_LONG: "caller",
  ERR_CLOSED: "caller",
  ERR_INVALID_ARGUMENT: "caller",
  ERR_INVALID_NAME: "caller",
  ERR_INVALID_OPTION: "caller",
  ERR_MESSAGE_TOO_LARGE: "caller",
  ERR_NOT_EXPRESSIBLE: "caller",
  ERR_RESERVED_TYPE: "caller",
  ERR_SECRET_REQUIRED: "caller",
  ERR_TYPE_OUT_OF_RANGE: "caller",

  ERR_AUTHENTICATION_FAILED: "peer",
  ERR_CLOSE_TIMEOUT: "peer",
  ERR_CONNECTION_LOST: "peer",
  ERR_CONTRACT_MISMATCH: "peer",
  ERR_DAEMON_STAYS: "peer",
  ERR_DECRYPTION_FAILED: "peer",
  ERR_DESCRIPTION_INVALID: "peer",
  ERR_ENCRYPTION_REQUIRED: "peer",
  ERR_EVENTS_LOST: "peer",
  ERR_FELL_BEHIND: "peer",
  ERR_FRAME_INVALID: "peer",
  ERR_FRAME_TIMEOUT: "peer",
  ERR_FRAME_TOO_LARGE: "peer",
  ERR_FRAME_TOO_SHORT: "peer",
  ERR_HANDLER_FAILED: "peer",
  ERR_HANDSHAKE_INVALID: "peer",
  ERR_HANDSHAKE_REJECTED: "peer",
  ERR_HANDSHAKE_TIMEOUT: "peer",
  ERR_INVALID_INPUT: "peer",
  ERR_INVALID_OUTPUT: "peer",
  ERR_INVALID_PUBLIC_KEY: "peer",
  ERR_KEEPALIVE_TIMEOUT: "peer",
  ERR_KEY_EXHAUSTED: "peer",
  ERR_NO_HANDLER: "peer",
  ERR_NOT_ALLOWED: "peer",
  ERR_NOT_CONNECTED: "peer",
  ERR_PEER_MESSAGE_TOO_LARGE: "peer",
  ERR_PEER_NOT_NATIVE: "peer",
  ERR_PEER_WITHOUT_ADMIN: "peer",
  ERR_PEER_WITHOUT_STREAMS: "peer",
  ERR_QUEUE_FULL: "peer",
  ERR_READ_TIMEOUT: "peer",
  ERR_REQUEST_TIMEOUT: "peer",
  ERR_SESSION_LOST: "peer",
  ERR_SIDECAR_MISMATCH: "peer",
  ERR_STREAM_RESET: "peer",
  ERR_STREAM_STOPPED: "peer",
  ERR_TOO_LARGE_FOR_PEER: "peer",
  ERR_TOO_MANY_CONNECTIONS: "peer",
  ERR_TOO_MANY_HANDSHAKES: "peer",
  ERR_TOO_MANY_STREAMS: "peer",
  ERR_VERSION_MISMATCH: "peer",
  ERR_WINDOW_EXCEEDED: "peer",

  ERR_ADDRESS_IN_USE: "system",
  ERR_ADDRESS_LOST: "system",
  ERR_ADDRESS_UNTRUSTED: "system",
  ERR_CONNECT_FAILED: "system",
  ERR_CONNECT_TIMEOUT: "system",
  ERR_EVENTS_UNAVAILABLE: "system",
  ERR_LISTEN_FAILED: "system",
  ERR_NO_PARENT: "system",
  ERR_NO_RUNTIME_DIRECTORY: "system",
  ERR_SECRET_FILE: "system",
  ERR_SIDECAR_ENDED: "system",
  ERR_SIDECAR_TIMEOUT: "system",
} as const satisfies Record<string, Fault>;

/** A stable error code; `docs/errors.md` has a heading for each. */
export type ErrorCode = keyof typeof errorCodes;

type CodeOf<F extends Fault> = {
  [C in ErrorCode]: (typeof errorCodes)[C] extends F ? C : never;
}[ErrorCode];

/** Codes of a {@link CallerError}. */
export type CallerErrorCode = CodeOf<"caller">;
/** Codes of a {@link PeerError}. */
export type PeerErrorCode = CodeOf<"peer">;
/** Codes of a {@link SystemError}. */
export type SystemErrorCode = CodeOf<"system">;

/**
 * In the symbol registry that all realms of a process share, so that each copy of the library recognises the others'
 * errors.
 */
const kind = Symbol.for("sealpipe.error");

/**
 * The base class of every error of this library. `instanceof` also recognises errors of another copy of the library
 * in the same process, or of another realm, such as Jest creates for each test file. Distinguish errors by `code`,
 * which is stable; the message is for people and may change.
 *
 * @example
 * ```ts
 * import { SealpipeError, startServer } from "sealpipe";
 *
 * try {
 *   await startServer("no/slashes");
 * } catch (error) {
 *   if (!(error instanceof SealpipeError)) throw error;
 *   console.log(error.code, error.fault); // ERR_INVALID_NAME caller
 * }
 * ```
 */
export abstract class SealpipeError extends Error {
  /**
   * What went wrong, stable across versions. Only a {@link RemoteError} can have a code that is not the library's.
   */
  readonly code: ErrorCode | (string & Record<never, never>);
  /** Who caused the error. */
  abstract readonly fault: Fault;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Makes `instanceof` recognise instances of other copies of the class. Classes that a program derives from it are not
 * affected.
 */
function knowOthers(
  errorClass: { readonly prototype: SealpipeError },
  isOfIt: (name: string) => boolean,
): void {
  const ordinary = Function.prototype[Symbol.hasInstance];
  Object.defineProperty(errorClass, Symbol.hasInstance, {
    value(this: unknown, error: unknown): boolean {
      if (ordinary.call(this, error)) return true;
      const name = this === errorClass ? (Object(error) as { readonly [kind]?: unknown })[kind] : undefined;
      return typeof name === "string" && isOfIt(name);
    },
  });
}

function nameErrors(errorClass: { readonly prototype: SealpipeError }, name: string): void {
  // On the prototype, as for the language's own errors, so that it is not listed with each instance.
  const property = { value: name, configurable: true, writable: true };
  Object.defineProperties(errorClass.prototype, { name: property, [kind]: property });
  knowOthers(errorClass, (other) => other === name);
}

/** The calling program used the library in a way that cannot work; nothing was sent or consumed. */
export class CallerError extends SealpipeError {
  readonly fault = "caller";
  declare readonly code: CallerErrorCode;

  constructor(code: CallerErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/**
 * The process at the other end did something that the protocol does not allow, or nothing at all. Such an error ends
 * at most that connection, never another.
 */
export class PeerError extends SealpipeError {
  readonly fault = "peer";
  declare readonly code: PeerErrorCode;

  constructor(code: PeerErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/** The operating system refused or failed; `cause` has its own error if there is one. */
export class SystemError extends SealpipeError {
  readonly fault = "system";
  declare readonly code: SystemErrorCode;

  constructor(code: SystemErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/**
 * A request of this end failed at the other end: `code` and `message` are those of the error that its handler threw.
 * `code` is the other program's own, `ERR_NO_HANDLER`, or `ERR_HANDLER_FAILED` if that error had none. It ends only
 * the request.
 */
export class RemoteError extends SealpipeError {
  readonly fault = "peer";
  /** The `data` of the handler's error, if that was a `Uint8Array` of at most 65536 bytes; otherwise empty. */
  readonly data: Uint8Array;

  constructor(
    code: string,
    message: string,
    options?: ErrorOptions & { readonly data?: Uint8Array | undefined },
  ) {
    super(code, message, options);
    this.data = options?.data ?? new Uint8Array(0);
  }
}

knowOthers(SealpipeError, () => true);
nameErrors(CallerError, "CallerError");
nameErrors(PeerError, "PeerError");
nameErrors(RemoteError, "RemoteError");
nameErrors(SystemError, "SystemError");
