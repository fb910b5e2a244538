import { PeerError, type PeerErrorCode, type SealpipeError } from "../../errors.ts";
import { clock } from "../clock.ts";

/** Refusals of a client that comes back again and again, because their cause does not pass by itself. */
const repeated: ReadonlySet<string> = new Set([
  ...["ERR_AUTHENTICATION_FAILED", "ERR_ENCRYPTION_REQUIRED", "ERR_PEER_NOT_NATIVE", "ERR_VERSION_MISMATCH"],
]);

/** Each kind of refusal is reported once in this time, in milliseconds. */
const quietMs = 10_000;

/**
 * Decides which refusals of clients a server reports: a client that is refused and comes back at once must not fill a
 * log.
 */
export class Refusals {
  readonly #now: () => number;
  readonly #told = new Map<string, { at: number; untold: number }>();

  constructor(now = clock.now) {
    this.#now = now;
  }

  /**
   * The error to report, with the number of unreported ones of its kind; `undefined` if that kind was just reported.
   */
  worthTelling(error: SealpipeError): SealpipeError | undefined {
    if (!repeated.has(error.code)) return error;
    const last = this.#told.get(error.code);
    const now = this.#now();
    if (last !== undefined && now - last.at < quietMs) {
      last.untold += 1;
      return undefined;
    }
    this.#told.set(error.code, { at: now, untold: 0 });
    if (last === undefined || last.untold === 0) return error;
    const message = `${error.message}; ${last.untold} more of this kind were refused since that was last told`;
    return new PeerError(error.code as PeerErrorCode, message, { cause: error });
  }
}
