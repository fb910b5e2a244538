/**
 * How a client or a server ends: once, however often `close` or `destroy` are called, and with the error of the first
 * `destroy`.
 */
export class Shutdown {
  #begun = false;
  #destroyed: { readonly error: Error | undefined } | undefined;

  get hasBegun(): boolean {
    return this.#begun;
  }

  /** The argument of the first `destroy`. */
  get error(): Error | undefined {
    return this.#destroyed?.error;
  }

  /** The final status. */
  get status(): "closed" | "error" {
    return this.error === undefined ? "closed" : "error";
  }

  /** Whether to shut down now: true for the first call only. */
  begin(): boolean {
    const isFirst = !this.#begun;
    this.#begun = true;
    return isFirst;
  }

  /** Only the first `destroy` counts. */
  destroyed(error: Error | undefined): void {
    this.#destroyed ??= { error };
  }
}
