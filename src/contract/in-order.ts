type Turn = { readonly result: unknown } | { readonly thrown: unknown };

/** Lets nothing overtake: what is ready early waits for what came before. Without a promise while nothing waits. */
export class InOrder {
  #last: Promise<Turn> | undefined;

  /** Settles when nothing waits any more, and never rejects; `undefined` if nothing does. */
  get waiting(): Promise<unknown> | undefined {
    return this.#last;
  }

  /** Calls `next` with what comes of `value`, which never rejects, after the same of all earlier calls. */
  run<T, R>(value: T | Promise<T>, next: (value: T) => R | Promise<R>): R | Promise<R> {
    const before = this.#last;
    if (before === undefined && !(value instanceof Promise)) return next(value);
    const ready = before === undefined ? (value as Promise<T>) : after(before, value);
    const turn = ready.then((settled): Turn => {
      if (this.#last === turn) this.#last = undefined;
      // In an object: whether `next` takes its time is nothing that the next turn waits for.
      try {
        return { result: next(settled) };
      } catch (thrown) {
        return { thrown };
      }
    });
    this.#last = turn;
    return turn.then((taken) => {
      if ("thrown" in taken) throw taken.thrown;
      return taken.result as R | Promise<R>;
    });
  }
}

async function after<T>(before: Promise<unknown>, value: T | Promise<T>): Promise<T> {
  await before;
  return value;
}
