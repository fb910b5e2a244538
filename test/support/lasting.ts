import assert from "node:assert/strict";

/** Long enough to distinguish from no wait. */
export const lastingMs = 100;
/** How long it would be with a wrong unit or factor; more than any delay of a busy machine. */
const tooLongMs = 100 * lastingMs;

/**
 * Checks that a wait of {@link lastingMs} is one: that it does not end before, and not after a hundred times that. It is
 * no measurement: what is between is as good. `parts` is how much of it has to pass at least.
 */
export async function lasts<T>(wait: () => Promise<T>, parts = 1): Promise<T> {
  const begun = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it has lasted for ${tooLongMs} ms`)), tooLongMs);
  });
  try {
    const value = await Promise.race([wait(), tooLong]);
    // Node's timers are a millisecond early at times.
    const minMs = parts * lastingMs - 2;
    const passed = performance.now() - begun;
    assert.ok(passed >= minMs, `it has lasted for ${passed} ms only`);
    return value;
  } finally {
    clearTimeout(timer);
  }
}
