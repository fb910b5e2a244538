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
  /** Which file it is. Another that has come to its address stays. */
  readonly identity: FileIdentity;
  /** Where in the staging directory of whoever removes it the link is made by which it is held. */
  readonly holdPath: string;
}

/** Holding it takes less than a millisecond. */
const abandonedAfterMs = 5_000;
const patienceMs = 10_000;
const maxPauseMs = 20;

/**
 * Removes a dead socket from its address, unless it has gone. Servers that start at the same instant may all have found
 * it, and the slower ones must not remove what the faster one has put in its place. So it is held first, by a further
 * link to it: whoever makes one and then sees no other's holds it, as of any two the later one sees the earlier one's.
 *
 * These links lie in the servers' staging directories, so no other user can make one, nor be in the way of one. What a
 * killed process leaves of them counts as abandoned after a while.
 *
 * @throws SystemError `ERR_ADDRESS_IN_USE` where others hold it all the time.
 */
export async function removeDeadSocket(dead: DeadSocket): Promise<void> {
  const giveUpAt = Date.now() + patienceMs;
  while (!removeUnlessHeld(dead)) {
    if (Date.now() > giveUpAt) throw addressInUse(dead.address, "other servers are being started there");
    await delay(Math.random() * maxPauseMs);
  }
}

/** False where another holds it. Synchronous: what was seen must still hold when it is acted on. */
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
  // Its address and our hold: there is no further link.
  if (lstatSync(holdPath).nlink === 2) return false;
  return findStagings(dirname(address.path))
    .filter((staging) => staging.holdPath !== holdPath && isSame(identifyNow(staging.holdPath), identity))
    .some((staging) => !removeIfAbandoned(staging));
}

function removeIfAbandoned(staging: FoundStaging): boolean {
  if (Date.now() - staging.changedAt <= abandonedAfterMs) return false;
  // Its name is never used again, so whoever finds it later finds nothing.
  removeStaging(staging);
  return true;
}
