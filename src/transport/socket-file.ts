import { rmSync } from "node:fs";
import { chmod, link, lstat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Address } from "./address.ts";
import { holderOf } from "./address-holder.ts";
import { removeDeadSocket } from "./dead-socket.ts";
import { type FileIdentity, identifyNow, identityOf, isSame } from "./file-identity.ts";
import { ignoreMissing } from "./file-system.ts";
import { addressInUse } from "./net-transport.ts";
import { lacksLinks, renameUnlessHeld } from "./rename-hold.ts";
import { removeAbandonedStagings, renameHoldsAt, type StagingDirectory } from "./staging-directory.ts";
import { hasCode } from "./system-errors.ts";
import { delay } from "./timers.ts";
import { checkDirectoryOwn, ownUid } from "./trust.ts";

export interface ClaimOptions {
  readonly staging: StagingDirectory;
  /** The socket's mode when it appears. */
  readonly mode: number;
  isAlive(address: Address): Promise<boolean>;
}

/** A round fails only if another process wins it; that many in a row are no accident. */
const maxRounds = 16;
const patienceMs = 10_000;
const maxPauseMs = 20;

/**
 * Links the bound socket to its address. A link never replaces what is there, so of any number of servers one wins. A
 * socket of this user that is certainly dead is removed first.
 *
 * @throws SystemError `ERR_ADDRESS_IN_USE`
 */
export async function claimAddress(address: Address, options: ClaimOptions): Promise<FileIdentity> {
  const { socketPath } = options.staging;
  await chmod(socketPath, options.mode);
  const ours = identityOf(await lstat(socketPath, { bigint: true }));
  try {
    for (let round = 0; round < maxRounds; round++) {
      if (await linkUnlessTaken(socketPath, address.path)) return ours;
      await removeIfDead(address, options);
    }
  } catch (error) {
    if (!lacksLinks(error)) throw error;
    await claimByRename(address, options);
    return ours;
  }
  throw addressInUse(address, "other servers keep taking it");
}

/** The same where there are no hard links. A foreign program that takes the address in the same instant loses it. */
async function claimByRename(address: Address, options: ClaimOptions): Promise<void> {
  const { socketPath, renameHold } = options.staging;
  const giveUpAt = Date.now() + patienceMs;
  while (Date.now() < giveUpAt) {
    const dead = await findDead(address, options);
    const outcome = renameUnlessHeld({
      from: socketPath,
      to: address.path,
      hold: renameHold,
      holds: () => renameHoldsAt(address),
      mayReplace() {
        const found = identifyNow(address.path);
        return found === undefined || (dead !== undefined && isSame(found, dead));
      },
    });
    if (outcome === "done") return;
    if (outcome === "held") await delay(Math.random() * maxPauseMs);
  }
  throw addressInUse(address, "other servers are starting there");
}

/**
 * Removes our socket from its address if it is still there. Synchronous, so that nothing changes between the checks
 * and the removal.
 *
 * @throws SystemError `ERR_ADDRESS_UNTRUSTED` if by now another user can change the path, and so what would be
 * removed.
 */
export function removeFromAddress(address: Address, identity: FileIdentity): void {
  if (!isSame(identifyNow(address.path), identity)) return;
  checkDirectoryOwn(address);
  rmSync(address.path, { force: true });
}

async function removeIfDead(address: Address, options: ClaimOptions): Promise<void> {
  const identity = await findDead(address, options);
  if (identity === undefined) return;
  await removeDeadSocket({ address, identity, holdPath: options.staging.holdPath });
}

/** The dead socket at the address; nothing if there is nothing. */
async function findDead(address: Address, { isAlive }: ClaimOptions): Promise<FileIdentity | undefined> {
  const status = await ignoreMissing(lstat(address.path, { bigint: true }));
  if (status === undefined) return undefined;
  if (!status.isSocket()) throw addressInUse(address, "what is there is not a socket");
  if (status.uid !== BigInt(ownUid())) {
    throw addressInUse(address, `the socket there belongs to the user ${status.uid}`);
  }
  if (await isAlive(address)) {
    const holder = await holderOf(address.path);
    throw addressInUse(address, `a server is alive there${holder === undefined ? "" : `, ${holder}`}`);
  }
  // Its server was killed, so others may have been killed before they had got that far.
  removeAbandonedStagings(dirname(address.path));
  return identityOf(status);
}

/** False if something is at `path` already. */
async function linkUnlessTaken(existing: string, path: string): Promise<boolean> {
  try {
    await link(existing, path);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  }
}
