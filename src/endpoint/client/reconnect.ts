import { SealpipeError } from "../../errors.ts";
import { isTransient } from "../../transport/connect-failure.ts";
import { codeOf, hasCode } from "../../transport/system-errors.ts";

export interface BackoffOptions {
  readonly retryDelayMs: number;
  readonly maxRetryDelayMs: number;
}

/**
 * Pauses between tries: each is twice the previous one, up to the longest, and is shortened by a random part of up to
 * half, so that clients which lost the same server do not come back at the same instant.
 */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: () => number;
  #delayMs: number;

  /** `random` returns numbers from 0 to less than 1. */
  constructor(options: BackoffOptions, random: () => number = Math.random) {
    this.#options = options;
    this.#random = random;
    this.#delayMs = options.retryDelayMs;
  }

  /** The next pause, in milliseconds. */
  next(): number {
    const delayMs = this.#delayMs;
    this.#delayMs = Math.min(delayMs * 2, this.#options.maxRetryDelayMs);
    return delayMs * (1 - this.#random() / 2);
  }

  /** A try has succeeded. */
  reset(): void {
    this.#delayMs = this.#options.retryDelayMs;
  }
}

/** The system's codes for a server that is not there yet or too busy, or for a shortage in this process. */
const passingSystemCodes = new Set([
  ...["ENOENT", "ECONNREFUSED", "ECONNRESET", "EAGAIN", "EBUSY", "EPIPE"],
  ...["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EINTR"],
  // On Windows: for a pipe whose server no longer listens while one of its connections lives, and for one that is
  // just being removed, for which Node has no name.
  ...["ETIMEDOUT", "UNKNOWN"],
]);

/** Whether another try may succeed: the server is not up yet, is busy, or was just ending. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof SealpipeError)) return false;
  switch (error.code) {
    case "ERR_HANDSHAKE_TIMEOUT":
    case "ERR_CONNECTION_LOST":
      return true;
    case "ERR_CONNECT_FAILED":
      return isTransient(error) || isPassingCause(error.cause);
    default:
      return false;
  }
}

/**
 * Whether a native session may go on after its connection was lost with this error: it broke, hung, or was tampered
 * with, and the peer itself did nothing wrong.
 */
export function isResumable(error: SealpipeError | undefined): boolean {
  return error !== undefined && resumableCodes.has(error.code);
}

const resumableCodes: ReadonlySet<string> = new Set([
  ...["ERR_CONNECTION_LOST", "ERR_KEEPALIVE_TIMEOUT", "ERR_FRAME_TIMEOUT", "ERR_DECRYPTION_FAILED"],
]);

/**
 * Whether a server is there, but more clients try to reach it than the system lets wait. A client that then waits
 * longer and longer between tries would never get in.
 */
export function isCrowded(error: unknown): boolean {
  if (!(error instanceof SealpipeError) || error.code !== "ERR_CONNECT_FAILED") return false;
  return hasCode(error.cause, "EAGAIN");
}

function isPassingCause(cause: unknown): boolean {
  const code = codeOf(cause);
  return code !== undefined && passingSystemCodes.has(code);
}
