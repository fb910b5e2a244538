import type { ParsedSpawnOptions } from "./options.ts";

const windowMs = 60_000;

/** When a program that has ended is started again. */
export class Restarts {
  readonly #options: ParsedSpawnOptions;
  /** When it was started again in the last minute. */
  readonly #times: number[] = [];

  constructor(options: ParsedSpawnOptions) {
    this.#options = options;
  }

  /**
   * How long to pause before the next start, in milliseconds; `undefined` if it is not to be started again. `failures`: how
   * many starts in a row came to nothing.
   */
  next(failures: number): number | undefined {
    const { restart, maxRestarts, restartDelayMs, maxRestartDelayMs } = this.#options;
    const now = performance.now();
    while (this.#times.length > 0 && now - (this.#times[0] as number) > windowMs) this.#times.shift();
    if (!restart || this.#times.length >= maxRestarts) return undefined;
    this.#times.push(now);
    return Math.min(restartDelayMs * 2 ** failures, maxRestartDelayMs);
  }

  /** Why it is not started again, for people. */
  get refusal(): string {
    const { restart, maxRestarts } = this.#options;
    return restart ? `, and was started again ${maxRestarts} times in a minute` : "";
  }
}
