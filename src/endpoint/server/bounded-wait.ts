import { clearTimeout, setTimeout } from "../../transport/timers.ts";
/**
 * Waits for what a peer may never do, but not for ever: at most `ms` milliseconds from when a promise was first waited
 * for, however often it is waited for again.
 */
export class BoundedWait {
  readonly #ms: number;
  readonly #waits = new WeakMap<Promise<void>, Promise<void>>();

  constructor(ms: number) {
    this.#ms = ms;
  }

  /** Settles with `promise`, which does not reject, or once its time is over. */
  wait(promise: Promise<void>): Promise<void> {
    const known = this.#waits.get(promise);
    if (known !== undefined) return known;
    const wait = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#ms);
      timer.unref();
      void promise.then(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.#waits.set(promise, wait);
    return wait;
  }
}
