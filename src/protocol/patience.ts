/** How often a peer that is slow gets its time again, and so how many times that it gets at the most. */
export const patienceSteps = 10;

/**
 * How long to wait for a peer that has an amount to take, or to bring: the same time for each tenth of it, and no more than
 * ten times that. A peer that moves a byte now and then would otherwise be waited for as long as it likes.
 *
 * Source: spec/protocol.md, "Slow peers".
 */
export class Patience {
  readonly #stepMs: number;
  readonly #step: number;
  /** Over at the latest. */
  #end: number;
  #at: number;
  /** The time starts again when no more than this is left. */
  #goal: number;

  constructor(stepMs: number, { amount, now }: { readonly amount: number; readonly now: number }) {
    this.#stepMs = stepMs;
    this.#step = amount / patienceSteps;
    this.#end = now + patienceSteps * stepMs;
    this.#at = now + stepMs;
    this.#goal = this.#goalFrom(amount);
  }

  /** When it is over. */
  get at(): number {
    return this.#at;
  }

  /** That much is left. */
  left(amount: number, now: number): void {
    if (amount > this.#goal) return;
    this.#goal = this.#goalFrom(amount);
    this.#at = Math.min(now + this.#stepMs, this.#end);
  }

  /** A while has passed in which the peer could do nothing. */
  extend(ms: number): void {
    this.#at += ms;
    this.#end += ms;
  }

  /** With nothing left there is no goal any more. */
  #goalFrom(amount: number): number {
    return amount === 0 ? -1 : Math.max(0, amount - this.#step);
  }
}
