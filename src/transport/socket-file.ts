import { rmSync } from "node:fs";
import { chmod, link, lstat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Address } from "./address.ts";
import { removeDeadSocket } from "./dead-socket.ts";
import { type FileIdentity, identifyNow, identityOf, isSame } from "./file-identity.ts";
import { ignoreMissing } from "./file-system.ts";
import { addressInUse } from "./net-transport.ts";
import { removeAbandonedStagings, type StagingDirectory } from "./staging-directory.ts";
import { hasCode } from "./system-errors.ts";
import { checkDirectoryOwn, ownUid } from "./trust.ts";

export interface ClaimOptions {
  readonly staging: StagingDirectory;
  /** The mode with which the socket appears. */
  readonly mode: number;
  isAlive(address: Address): Promise<boolean>;
}

/** Each round loses to another process at most; this many in a row are no accident. */
const maxRounds = 16;

/**
 * Shows the bound socket at its address. A link never replaces what is there, so of any number of servers one wins.
 * A socket of ours that is certainly dead is removed first.
 *
 * @throws SystemError `ERR_ADDRESS_IN_USE`
 */
export async function claimAddress(address: Address, options: ClaimOptions): Promise<FileIdentity> {
  const { socketPath } = options.staging;
  await chmod(socketPath, options.mode);
  const ours = identityOf(await lstat(socketPath, { bigint: true }));
  for (let round = 0; round < maxRounds; round++) {
    if (await linkUnlessTaken(socketPath, address.path)) return ours;
    await removeIfDead(address, options);
  }
  throw addressInUse(address, "other servers keep taking it");
}

/**
 * Removes our socket from its address if it still lies there. Synchronous: what was seen must still hold when it is acted
 * on.
 *
 * @throws SystemError `ERR_ADDRESS_UNTRUSTED` if another user can change the way there by now, and so what is removed.
 */
export function removeFromAddress(address: Address, identity: FileIdentity): void {
  if (!isSame(identifyNow(address.path), identity)) return;
  checkDirectoryOwn(address);
  rmSync(address.path, { force: true });
}

async function removeIfDead(address: Address, { staging, isAlive }: ClaimOptions): Promise<void> {
  const status = await ignoreMissing(lstat(address.path, { bigint: true }));
  if (status === undefined) return;
  if (!status.isSocket()) throw addressInUse(address, "what lies there is no socket");
  if (status.uid !== BigInt(ownUid())) {
    throw addressInUse(address, `the socket there belongs to the user ${status.uid}`);
  }
  if (await isAlive(address)) throw addressInUse(address, "a server is alive there");
  // Its server was killed, so others may have been that had not come as far.
  removeAbandonedStagings(dirname(address.path));
  await removeDeadSocket({ address, identity: identityOf(status), holdPath: staging.holdPath });
}

/** False where something is at `path` already. */
async function linkUnlessTaken(existing: string, path: string): Promise<boolean> {
  try {
    await link(existing, path);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  }
}
