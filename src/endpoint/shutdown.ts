/** How a client or a server ends: once, however often it is told to, and as its first `destroy` says. */
export class Shutdown {
  #begun = false;
  #destroyed: { readonly error: Error | undefined } | undefined;

  get hasBegun(): boolean {
    return this.#begun;
  }

  /** What the first `destroy` was given. */
  get error(): Error | undefined {
    return this.#destroyed?.error;
  }

  /** What it comes to. */
  get status(): "closed" | "error" {
    return this.error === undefined ? "closed" : "error";
  }

  /** Whether it is to be done now: only the first call is told so. */
  begin(): boolean {
    const isFirst = !this.#begun;
    this.#begun = true;
    return isFirst;
  }

  /** A `destroy` after this one is none. */
  destroyed(error: Error | undefined): void {
    this.#destroyed ??= { error };
  }
}
