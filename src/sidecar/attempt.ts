import type { Client, SealpipeError } from "../index.ts";

/** The system's codes if nobody serves a name; the last two are Windows'. */
const absentCodes: ReadonlySet<unknown> = new Set(["ENOENT", "ECONNREFUSED", "ETIMEDOUT", "UNKNOWN"]);

/**
 * Whether the client's next try connects it, or finds nobody there. Tries that fail in another way are waited out: a server that is
 * there and does not answer is not absent.
 *
 * @throws What ends the client; the signal's reason.
 */
export async function attempt(client: Client, signal: AbortSignal): Promise<"connected" | "absent"> {
  signal.throwIfAborted();
  const settled = new AbortController();
  const giveUp = (): void => settled.abort(signal.reason);
  signal.addEventListener("abort", giveUp);
  let retrying = (_: { error: SealpipeError | undefined }): void => {};
  const absent = new Promise<"absent">((resolve) => {
    retrying = ({ error }) => isAbsence(error) && resolve("absent");
  });
  client.on("retrying", retrying);
  try {
    const connected = client.connected({ signal: settled.signal }).then(() => "connected" as const);
    if (client.status === "connecting" || client.status === "reconnecting") client.reconnectNow();
    return await Promise.race([connected, absent]);
  } finally {
    client.off("retrying", retrying);
    signal.removeEventListener("abort", giveUp);
    settled.abort();
  }
}

function isAbsence(error: SealpipeError | undefined): boolean {
  if (error?.code !== "ERR_CONNECT_FAILED") return false;
  return absentCodes.has((error.cause as NodeJS.ErrnoException | undefined)?.code);
}
