import { PeerError, type PeerErrorCode, type SealpipeError } from "../../errors.ts";
import { clock } from "../clock.ts";

/** Why a client is refused that comes back again and again: nothing of it changes by itself. */
const repeated: ReadonlySet<string> = new Set([
  ...["ERR_AUTHENTICATION_FAILED", "ERR_ENCRYPTION_REQUIRED", "ERR_PEER_NOT_NATIVE", "ERR_VERSION_MISMATCH"],
]);

/** Of each kind of refusal one is told in that time, in milliseconds. */
const quietMs = 10_000;

/** Which refusals of clients a server tells: a client that does not fit, and comes back at once, is not to fill a log. */
export class Refusals {
  readonly #now: () => number;
  readonly #told = new Map<string, { at: number; untold: number }>();

  constructor(now = clock.now) {
    this.#now = now;
  }

  /** What to tell of it, with how many of its kind were not told; nothing if that was told a moment ago. */
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
