/** Of `endServer`: a server is asked, then its process gets SIGTERM, then SIGKILL. */
export const steps = 3;

/** The time for something is over. */
export class OutOfPatience extends Error {}

/** A signal that aborts after a time, or with one of others, which may be of another realm: `AbortSignal.any` takes none of these. */
export class Patience {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #release: () => void;

  constructor(timeoutMs: number, signals: readonly (AbortSignal | undefined)[]) {
    const controller = this.#controller;
    this.#timer = setTimeout(
      () => controller.abort(new OutOfPatience(`${timeoutMs} ms are over`)),
      timeoutMs,
    );
    const given = signals.filter((signal) => signal !== undefined);
    const listeners = given.map((signal) => () => controller.abort(signal.reason));
    for (const [index, signal] of given.entries()) {
      if (signal.aborted) controller.abort(signal.reason);
      signal.addEventListener("abort", listeners[index] as () => void);
    }
    this.#release = () => {
      for (const [index, signal] of given.entries())
        signal.removeEventListener("abort", listeners[index] as () => void);
    };
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Lets go of the timer and of the signals. */
  end(): void {
    clearTimeout(this.#timer);
    this.#release();
  }
}
