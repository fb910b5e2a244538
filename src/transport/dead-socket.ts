import { linkSync, lstatSync, unlinkSync } from "node:fs";
import { dirname } from "node:path";
import type { Address } from "./address.ts";
import { type FileIdentity, identifyNow, isSame } from "./file-identity.ts";
import { addressInUse } from "./net-transport.ts";
import { type FoundStaging, findStagings, removeStaging } from "./staging-directory.ts";
import { hasCode } from "./system-errors.ts";
import { delay } from "./timers.ts";

export interface DeadSocket {
  readonly address: Address;
  /** Identity of its file. Another file that has replaced it at its address stays. */
  readonly identity: FileIdentity;
  /** Path of the link that holds it, in the staging directory of the server that removes it. */
  readonly holdPath: string;
}

/** Holding it takes less than a millisecond. */
const abandonedAfterMs = 5_000;
const patienceMs = 10_000;
const maxPauseMs = 20;

/**
 * Removes a dead socket from its address, unless it has gone. Servers that start at the same instant may all have
 * found it, and the slower ones must not remove what the fastest has put in its place. So a server first holds the
 * socket by one more link to it: a server that makes such a link and then sees no other server's holds the socket,
 * because of any two the later one sees the earlier one's.
 *
 * These links are in the servers' staging directories, so no other user can make one, nor prevent one. A link that a
 * killed process has left counts as abandoned after a while.
 *
 * @throws SystemError `ERR_ADDRESS_IN_USE` if others hold it all the time.
 */
export async function removeDeadSocket(dead: DeadSocket): Promise<void> {
  const giveUpAt = Date.now() + patienceMs;
  while (!removeUnlessHeld(dead)) {
    if (Date.now() > giveUpAt) throw addressInUse(dead.address, "other servers are starting there");
    await delay(Math.random() * maxPauseMs);
  }
}

/** False if another server holds it. Synchronous, so that nothing changes between the checks and what follows. */
function removeUnlessHeld({ address, identity, holdPath }: DeadSocket): boolean {
  try {
    linkSync(address.path, holdPath);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return true;
    throw error;
  }
  try {
    if (!isSame(identifyNow(holdPath), identity)) return true;
    if (isHeldByAnother({ address, identity, holdPath })) return false;
    if (isSame(identifyNow(address.path), identity)) unlinkSync(address.path);
    return true;
  } finally {
    unlinkSync(holdPath);
  }
}

function isHeldByAnother({ address, identity, holdPath }: DeadSocket): boolean {
  // There is no link besides its address and this hold.
  if (lstatSync(holdPath).nlink === 2) return false;
  return findStagings(dirname(address.path))
    .filter((staging) => staging.holdPath !== holdPath && isSame(identifyNow(staging.holdPath), identity))
    .some((staging) => !removeIfAbandoned(staging));
}

function removeIfAbandoned(staging: FoundStaging): boolean {
  if (Date.now() - staging.changedAt <= abandonedAfterMs) return false;
  // Its name is never used again, so another server that found it cannot remove a new one.
  removeStaging(staging);
  return true;
}
