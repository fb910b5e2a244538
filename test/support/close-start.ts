import type { CloseStart } from "#dist/protocol/close.js";

/** A close of a profile by itself, for whose times its test does not ask. */
export const closeStart: CloseStart = {
  role: "server",
  now: 0,
  openedAt: 0,
  queuedBytes: 0,
  closeTimeoutMs: 5_000,
};
