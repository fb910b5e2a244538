import { SealpipeError } from "../../errors.ts";
import { codeOf, hasCode } from "../../transport/system-errors.ts";

export interface BackoffOptions {
  readonly retryDelayMs: number;
  readonly maxRetryDelayMs: number;
}

/**
 * Pauses between tries: each twice the one before, up to the longest, less up to half of it at random, so that clients
 * which lost the same server do not come back at the same instant.
 */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: () => number;
  #delayMs: number;

  /** `random` gives numbers from 0 to less than 1. */
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

/** The system's ways to say that a server is not there yet, too busy to be reached, or that we are short of something. */
const passingSystemCodes = new Set([
  ...["ENOENT", "ECONNREFUSED", "ECONNRESET", "EAGAIN", "EBUSY", "EPIPE"],
  ...["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EINTR"],
  // Windows, of a pipe whose server does not listen any more while a connection of it lives, and of one that is just being
  // taken away, for which Node has no name.
  ...["ETIMEDOUT", "UNKNOWN"],
]);

/** Whether another try can go better: the server is not up yet, is busy, or was just going down. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof SealpipeError)) return false;
  switch (error.code) {
    case "ERR_HANDSHAKE_TIMEOUT":
    case "ERR_CONNECTION_LOST":
      return true;
    case "ERR_CONNECT_FAILED":
      return isPassingCause(error.cause);
    default:
      return false;
  }
}

/**
 * Whether a native session may go on after its connection was lost so: it broke, hung, or was tampered with, and the
 * peer itself did nothing wrong.
 */
export function isResumable(error: SealpipeError | undefined): boolean {
  return error !== undefined && resumableCodes.has(error.code);
}

const resumableCodes: ReadonlySet<string> = new Set([
  ...["ERR_CONNECTION_LOST", "ERR_KEEPALIVE_TIMEOUT", "ERR_FRAME_TIMEOUT", "ERR_DECRYPTION_FAILED"],
]);

/**
 * Whether a server is there, but more clients than the system lets wait are trying to reach it. Who then waits longer and
 * longer between tries is never among those that get in.
 */
export function isCrowded(error: unknown): boolean {
  if (!(error instanceof SealpipeError) || error.code !== "ERR_CONNECT_FAILED") return false;
  return hasCode(error.cause, "EAGAIN");
}

function isPassingCause(cause: unknown): boolean {
  const code = codeOf(cause);
  return code !== undefined && passingSystemCodes.has(code);
}
