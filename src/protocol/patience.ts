/** How often a slow peer's time starts again, and how many times that time it gets at most. */
const patienceSteps = 10;

/**
 * How long to wait for a peer that has an amount to receive, or to send: the same time for each tenth of it, and at
 * most ten times that. Otherwise a peer that moves a byte now and then could make this end wait without limit.
 *
 * Source: spec/protocol.md, "Slow peers".
 */
export class Patience {
  readonly #stepMs: number;
  readonly #step: number;
  /** When the wait ends at the latest. */
  #end: number;
  #at: number;
  /** The time starts again when at most this amount is left. */
  #goal: number;

  constructor(stepMs: number, { amount, now }: { readonly amount: number; readonly now: number }) {
    this.#stepMs = stepMs;
    this.#step = amount / patienceSteps;
    this.#end = now + patienceSteps * stepMs;
    this.#at = now + stepMs;
    this.#goal = this.#goalFrom(amount);
  }

  /** When the wait ends. */
  get at(): number {
    return this.#at;
  }

  /** `amount` is left. */
  left(amount: number, now: number): void {
    if (amount > this.#goal) return;
    this.#goal = this.#goalFrom(amount);
    this.#at = Math.min(now + this.#stepMs, this.#end);
  }

  /** Extends the wait by `ms` during which the peer could do nothing. */
  extend(ms: number): void {
    this.#at += ms;
    this.#end += ms;
  }

  /** With nothing left there is no further goal. */
  #goalFrom(amount: number): number {
    return amount === 0 ? -1 : Math.max(0, amount - this.#step);
  }
}
