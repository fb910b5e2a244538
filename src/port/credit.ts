/** How many items may still be sent. */
export class Credit {
  #left: number;
  #waiting: (() => void)[] = [];

  constructor(initial: number) {
    this.#left = initial;
  }

  get left(): number {
    return this.#left;
  }

  add(count: number): void {
    this.#left += count;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Uses one up, once there is one. @throws The signal's reason. */
  async take(signal: AbortSignal): Promise<void> {
    while (this.#left <= 0) {
      signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
    signal.throwIfAborted();
    this.#left -= 1;
  }
}
