import { type Client, SystemError } from "../index.ts";
import { ended, exitText, type SidecarProcess } from "./child-process.ts";
import { mismatchOf } from "./expectation.ts";
import type { ParsedSpawnOptions } from "./options.ts";

/**
 * Settles once the client is connected to that run of the program, which is what it is to be.
 *
 * @param signals Each ends the wait; it rejects with the reason.
 * @throws As `spawnSidecar`.
 */
export async function untilReady(
  { client, run }: { readonly client: Client; readonly run: SidecarProcess },
  { readyTimeoutMs: timeoutMs, expect }: ParsedSpawnOptions,
  signals: readonly AbortSignal[],
): Promise<void> {
  const waiting = new AbortController();
  // Not by `AbortSignal.any`, which takes no signal of another realm.
  const giveUp = signals.map((signal) => () => waiting.abort(signal.reason));
  for (const [index, signal] of signals.entries()) {
    if (signal.aborted) waiting.abort(signal.reason);
    signal.addEventListener("abort", giveUp[index] as () => void);
  }
  const failed = run.exited.then((exit) => {
    throw ended("sidecar", `${exitText(exit)} before it was ready${run.lastWordsText}`);
  });
  try {
    await Promise.race([client.connected({ timeoutMs, signal: waiting.signal }), failed]);
  } catch (error) {
    if ((error as { code?: string }).code !== "ERR_CONNECT_TIMEOUT") throw error;
    const message = `the sidecar was not ready within ${timeoutMs} ms${run.lastWordsText}`;
    throw new SystemError("ERR_SIDECAR_TIMEOUT", message, { cause: error });
  } finally {
    for (const [index, signal] of signals.entries())
      signal.removeEventListener("abort", giveUp[index] as () => void);
    waiting.abort();
  }
  const mismatch = mismatchOf(client, expect, "sidecar");
  if (mismatch !== undefined) throw mismatch.error;
}
