/**
 * Node's own, from when this was loaded: a test that puts others in their place, to have time pass as it likes, must not stop
 * what reads sockets, and those of a browser-like environment cannot be unreferenced.
 */
export const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate } =
  process.getBuiltinModule("node:timers");

/** Settles after `ms` milliseconds. */
export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
