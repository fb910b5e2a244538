import type { EventEmitter } from "node:events";
import { setImmediate as turn } from "node:timers/promises";

/** Far more than anything that is waited for takes, and less than a test gets. */
const patienceMs = 20_000;

/**
 * Lets the event loop go round. Between two ends of a socket in one process that is enough for everything to happen
 * that can, so it serves claims that something does not; what does happen is awaited itself.
 */
export async function turns(count = 20): Promise<void> {
  for (let done = 0; done < count; done++) await turn();
}

/** Waits for what no event tells. */
export async function until(condition: () => boolean): Promise<void> {
  const patience = AbortSignal.timeout(patienceMs);
  while (!condition()) {
    if (patience.aborted) throw new Error(`never came true: ${condition}`);
    await turn();
  }
}

/** The arguments of the next event of that name, which may be `error`: `events.once` would reject for it. */
export function nextEvent<T extends unknown[]>(emitter: unknown, event: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(new Error(`there was no ${event} event`));
    const timer = setTimeout(giveUp, patienceMs);
    timer.unref();
    (emitter as EventEmitter).once(event, (...args) => {
      clearTimeout(timer);
      resolve(args as T);
    });
  });
}

/** The first argument of each such event from now on, in a list that grows. */
export function record<T>(emitter: unknown, event: string): T[] {
  const seen: T[] = [];
  (emitter as EventEmitter).on(event, (first: T) => seen.push(first));
  return seen;
}

/** Whether a promise has settled by now, or does so in the next turns of the event loop. */
export async function isSettled(promise: Promise<unknown> | undefined): Promise<boolean> {
  let settled = promise === undefined;
  const done = (): void => {
    settled = true;
  };
  promise?.then(done, done);
  await turns();
  return settled;
}
