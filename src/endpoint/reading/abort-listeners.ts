interface Listeners {
  readonly all: Set<() => void>;
  readonly tellAll: () => void;
}

const listenersOf = new WeakMap<AbortSignal, Listeners>();

/**
 * Calls `listener` when the signal aborts, once at the most. However many listen, the signal itself has one listener:
 * the platform warns of a leak where there are more than ten, and looks through all of them to remove one.
 *
 * @returns Takes the listener away; to be called in any case.
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
