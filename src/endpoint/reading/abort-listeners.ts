interface Listeners {
  readonly all: Set<() => void>;
  readonly tellAll: () => void;
}

const listenersOf = new WeakMap<AbortSignal, Listeners>();

/**
 * Calls `listener` when the signal aborts, at most once. However many listen, the signal itself has one listener: the
 * platform warns of a leak if there are more than ten, and searches all of them to remove one.
 *
 * @returns A function that removes the listener; call it in any case.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  const listeners = listenersOf.get(signal) ?? listenTo(signal);
  listeners.all.add(listener);
  return () => {
    if (!listeners.all.delete(listener) || listeners.all.size > 0) return;
    signal.removeEventListener("abort", listeners.tellAll);
    listenersOf.delete(signal);
  };
}

function listenTo(signal: AbortSignal): Listeners {
  const all = new Set<() => void>();
  const tellAll = (): void => {
    for (const listener of [...all]) listener();
  };
  const listeners = { all, tellAll };
  listenersOf.set(signal, listeners);
  signal.addEventListener("abort", tellAll);
  return listeners;
}

/**
 * A signal that aborts when the first of the two does. Not `AbortSignal.any`, which accepts only signals of its own
 * realm, and which some test environments do not have.
 */
export function eitherOf(
  one: AbortSignal,
  other: AbortSignal,
): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const stops = [one, other].map((signal) => {
    const follow = (): void => controller.abort(signal.reason);
    if (signal.aborted) follow();
    return onAbort(signal, follow);
  });
  const release = (): void => {
    for (const stop of stops) stop();
  };
  return { signal: controller.signal, release };
}
