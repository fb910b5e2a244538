import { checkExpectation } from "./expectation.ts";
import { checkBoolean, checkInteger, checkSignal } from "./option-checks.ts";

/** Defaults of what `spawnSidecar` and `connectOrSpawn` let a program decide of the process that they start. */
export const childDefaults = {
  readyTimeoutMs: 10_000,
  stopTimeoutMs: 5_000,
  restart: true,
  restartDelayMs: 100,
  maxRestartDelayMs: 5_000,
  maxRestarts: 5,
};

const times = ["readyTimeoutMs", "stopTimeoutMs", "restartDelayMs", "maxRestartDelayMs"] as const;

/** @throws CallerError `ERR_INVALID_OPTION` */
export function checkChildOptions(
  options: typeof childDefaults & { readonly expect?: unknown; readonly signal?: unknown },
): void {
  for (const name of times) checkInteger(name, options[name]);
  checkInteger("maxRestarts", options.maxRestarts, [0, 1_000_000]);
  checkBoolean("restart", options.restart);
  checkExpectation(options.expect);
  checkSignal(options.signal);
}
