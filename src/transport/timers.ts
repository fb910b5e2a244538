/**
 * Node's own timers, as they were when this was loaded: a test that replaces them to control time must not stop
 * reading from sockets, and those of a browser-like environment have no `unref`.
 */
export const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate } =
  process.getBuiltinModule("node:timers");

/** Settles after `ms` milliseconds. */
export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
