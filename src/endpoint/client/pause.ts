import { setReferenced } from "../../transport/referenced.ts";
import { clearTimeout, setTimeout } from "../../transport/timers.ts";

/** A wait that can be cut short from outside. */
export class Pause {
  #referenced = true;
  #timer: NodeJS.Timeout | undefined;
  #over: () => void = () => {};

  /** Resolves after `ms`, once `end` is called, or the signal aborts; never rejects. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#over = () => {
        signal.removeEventListener("abort", this.#over);
        clearTimeout(this.#timer);
        this.#timer = undefined;
        resolve();
      };
      signal.addEventListener("abort", this.#over);
      this.#start(ms);
    });
  }

  get isUnderWay(): boolean {
    return this.#timer !== undefined;
  }

  /** Ends the pause `ms` from now, if it is under way. */
  endIn(ms: number): void {
    if (!this.isUnderWay) return;
    clearTimeout(this.#timer);
    this.#start(ms);
  }

  /** Ends the pause now, if it is under way. */
  end(): void {
    if (this.isUnderWay) this.#over();
  }

  /** Whether it keeps the process alive. */
  setReferenced(referenced: boolean): void {
    this.#referenced = referenced;
    if (this.#timer !== undefined) setReferenced(this.#timer, referenced);
  }

  #start(ms: number): void {
    this.#timer = setTimeout(this.#over, ms);
    setReferenced(this.#timer, this.#referenced);
  }
}
