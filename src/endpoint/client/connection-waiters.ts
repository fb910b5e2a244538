import { clearTimeout, setTimeout } from "../../transport/timers.ts";
import { parseReadOptions, type ReadOptions } from "../options/call-options.ts";
import { onAbort } from "../reading/abort-listeners.ts";

interface Waiter {
  resolve(): void;
  reject(error: unknown): void;
}

/** Calls that wait until a client is connected. */
export class ConnectionWaiters {
  readonly #waiters = new Set<Waiter>();

  /** `timedOut`: the error of a wait that took too long. */
  wait(options: ReadOptions | undefined, timedOut: (timeoutMs: number) => Error): Promise<void> {
    return new Promise((resolve, reject) => {
      const { signal, timeoutMs } = parseReadOptions(options);
      signal?.throwIfAborted();
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        stopListening?.();
        this.#waiters.delete(waiter);
        act();
      };
      const waiter: Waiter = {
        resolve: () => settle(resolve),
        reject: (error) => settle(() => reject(error)),
      };
      const late = (): void => waiter.reject(timedOut(timeoutMs));
      const timer = timeoutMs > 0 ? setTimeout(late, timeoutMs) : undefined;
      const stopListening = signal && onAbort(signal, () => waiter.reject(signal.reason));
      this.#waiters.add(waiter);
    });
  }

  /** The client is connected. */
  connected(): void {
    for (const waiter of this.#waiters) waiter.resolve();
  }

  /** The client has ended. */
  end(error: unknown): void {
    for (const waiter of this.#waiters) waiter.reject(error);
  }
}
