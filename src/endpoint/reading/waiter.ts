import { clearTimeout, setTimeout } from "../../transport/timers.ts";
import type { ParsedReadOptions } from "../options/call-options.ts";
import { onAbort } from "./abort-listeners.ts";

/** A call that waits for something to come. */
export interface Waiter<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** Waits among `waiters` until it is settled there, its signal aborts, or its time is over: then it rejects with `timedOut`. */
export function waitAmong<T>(
  waiters: Set<Waiter<T>>,
  { signal, timeoutMs }: ParsedReadOptions,
  timedOut: (timeoutMs: number) => Error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const settled = (): void => {
      clearTimeout(timer);
      stopListening?.();
      waiters.delete(waiter);
    };
    const waiter: Waiter<T> = {
      resolve(value) {
        settled();
        resolve(value);
      },
      reject(error) {
        settled();
        reject(error);
      },
    };
    waiters.add(waiter);
    const stopListening = signal && onAbort(signal, () => waiter.reject(signal.reason));
    const late = (): void => waiter.reject(timedOut(timeoutMs));
    const timer = timeoutMs > 0 ? setTimeout(late, timeoutMs) : undefined;
  });
}
