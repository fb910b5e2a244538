import type { Clock } from "../protocol/engine-options.ts";

// Not `performance`, with which Node loads seven modules that nothing else of a short program needs.
const { hrtime } = process;

/** Milliseconds from any fixed point. */
export const clock: Clock = {
  now() {
    const [seconds, nanoseconds] = hrtime();
    return seconds * 1_000 + nanoseconds / 1_000_000;
  },
};
