import { setTimeout as delay } from "node:timers/promises";
import { type Client, inspectAddress, PeerError } from "../index.ts";
import { attempt } from "./attempt.ts";
import type { Mismatch } from "./expectation.ts";
import { ProvenProcess } from "./proven-process.ts";
import type { Place } from "./start-lock.ts";

/** A running server, by its own words. */
export interface FoundServer {
  readonly application: string;
  readonly version: string;
  /** The id of its process. */
  readonly pid: number;
  /** The number of its clients, this one included; `undefined` if it does not say. */
  readonly connections: number | undefined;
}

export interface Replacing {
  readonly name: string;
  readonly place: Place;
  readonly stopTimeoutMs: number;
}

/** Whether a server that is not what was expected is to be replaced: one of another application never is. */
export async function isToBeReplaced(
  client: Client,
  mismatch: Mismatch,
  replace: ((found: FoundServer) => boolean | Promise<boolean>) | undefined,
): Promise<boolean> {
  const { peer } = client;
  if (replace === undefined || mismatch.of === "application" || peer === undefined) return false;
  const { application, applicationVersion: version, pid } = peer;
  const described = await client.describe({ timeoutMs: 1_000 }).catch(() => undefined);
  return (await replace({ application, version, pid, connections: described?.connections })) === true;
}

/** How often to look whether a process has ended, which no event tells of one that is not a child. */
const lookEveryMs = 20;

/** Nothing withstands SIGKILL, but a busy system takes its time. */
const minKillTimeoutMs = 5_000;

/**
 * Ends the server to which the client is connected, step by step, and waits until it is gone: it is asked, then its process gets SIGTERM,
 * then SIGKILL.
 *
 * @throws PeerError `ERR_DAEMON_STAYS`; the signal's reason.
 */
export async function endServer(client: Client, replacing: Replacing, signal: AbortSignal): Promise<void> {
  const { name, place, stopTimeoutMs } = replacing;
  const pid = client.peer?.pid ?? 0;
  const proven = (await holds(pid, name, place)) ? ProvenProcess.of(pid) : undefined;
  const isGone = async (): Promise<boolean> => {
    if (proven?.isThere === true) return false;
    if (client.status === "connected") return client.peer?.pid !== pid;
    return (
      (await attempt(client, AbortSignal.any([signal, AbortSignal.timeout(stopTimeoutMs)]))) === "absent"
    );
  };
  let refusal: Error | undefined;
  const ask = async (): Promise<void> => {
    const reason = "replaced by another version";
    await client.shutdownServer(reason, { timeoutMs: stopTimeoutMs, signal }).catch((error: Error) => {
      refusal = error;
    });
  };
  await ask();
  // A refusal is an answer: there is nothing to wait for.
  if (!isRefusal(refusal) && (await within(stopTimeoutMs, isGone, signal))) return;
  if (proven === undefined) throw stays(pid, refusal);
  proven.signal("SIGTERM");
  if (await within(stopTimeoutMs, isGone, signal)) return;
  proven.signal("SIGKILL");
  if (await within(Math.max(stopTimeoutMs, minKillTimeoutMs), isGone, signal)) return;
  throw stays(pid, refusal);
}

/** Whether the system, too, says that the process serves the name. What the server says of itself is no proof. */
async function holds(pid: number, name: string, place: Place): Promise<boolean> {
  // A busy system may not have shown it in time.
  for (let tries = 0; tries < 3; tries++) {
    const { holder } = await inspectAddress(name, place);
    if (holder !== undefined) return holder.pid === pid;
  }
  return false;
}

async function within(
  timeoutMs: number,
  isSo: () => Promise<boolean>,
  signal: AbortSignal,
): Promise<boolean> {
  const until = performance.now() + timeoutMs;
  do {
    signal.throwIfAborted();
    if (await isSo().catch(() => false)) return true;
    await delay(lookEveryMs, undefined, { signal }).catch(() => {});
  } while (performance.now() < until);
  return false;
}

function isRefusal(error: Error | undefined): boolean {
  const { code } = (error ?? {}) as { code?: string };
  return code === "ERR_NOT_ALLOWED" || code === "ERR_PEER_WITHOUT_ADMIN";
}

function stays(pid: number, cause: Error | undefined): PeerError {
  const why = cause === undefined ? "it agreed to shut down, and did not" : cause.message;
  const message = `the server of another version, which says that it is the process ${pid}, does not leave: ${why}`;
  return new PeerError("ERR_DAEMON_STAYS", message, cause && { cause });
}
