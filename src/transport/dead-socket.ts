import { linkSync, lstatSync, readdirSync, rmSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Address } from "./address.ts";
import { type FileIdentity, identifyNow, isSame } from "./file-identity.ts";
import { hasCode } from "./file-system.ts";
import { addressInUse } from "./net-transport.ts";
import { holdName, stagingPrefix } from "./staging-directory.ts";
import { ownUid } from "./trust.ts";

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
const highestPauseMs = 20;

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
    await delay(Math.random() * highestPauseMs);
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
  const directory = dirname(address.path);
  const own = dirname(holdPath);
  return readdirSync(directory)
    .filter((entry) => entry.startsWith(stagingPrefix))
    .map((entry) => join(directory, entry))
    .filter((staging) => staging !== own && isOurs(staging))
    .filter((staging) => isSame(identifyNow(join(staging, holdName)), identity))
    .some((staging) => !removeIfAbandoned(staging));
}

/** Other users' cannot hold what is ours, and root alone could look into them. */
function isOurs(staging: string): boolean {
  const status = lstatSync(staging, { throwIfNoEntry: false });
  return status?.isDirectory() === true && status.uid === ownUid();
}

/** Its name is never used again, so whoever finds it abandoned later finds nothing. */
function removeIfAbandoned(staging: string): boolean {
  const status = lstatSync(staging, { throwIfNoEntry: false });
  if (status !== undefined && Date.now() - status.mtimeMs <= abandonedAfterMs) return false;
  rmSync(staging, { recursive: true, force: true });
  return true;
}
