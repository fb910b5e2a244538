// Imported for its effect, before the library: it takes Node's own timers when it is loaded, and so would never see those
// that a test mocks. With this it goes by the global ones, each time.

import timers from "node:timers";

Object.assign(timers, {
  setTimeout: (...args: Parameters<typeof setTimeout>) => globalThis.setTimeout(...args),
  clearTimeout: (timer: NodeJS.Timeout) => globalThis.clearTimeout(timer),
});
