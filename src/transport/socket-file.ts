import type { BigIntStats } from "node:fs";
import { chmod, link, lstat, mkdtemp, rm, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Address, checkSocketPath } from "./address.ts";
import { withAddressLock } from "./address-lock.ts";
import { hasCode, ignoreMissing, makeUnlessThere } from "./file-system.ts";
import { addressInUse } from "./net-transport.ts";

/** Which file it is, whatever it is called. */
export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
}

/** A directory beside the address that only this user can enter, where the socket is bound before it is shown. */
export interface StagingDirectory {
  readonly socketPath: string;
  /**
   * Makes it again, empty, after it was removed; false where something else has its name now. Where it cannot be made at
   * all, as its own directory is gone, nothing can have it either.
   */
  restore(): Promise<boolean>;
  remove(): Promise<void>;
}

const stagingPrefix = ".sp-";
/** What {@link makeStagingDirectory} adds to the directory: the prefix, six random characters, and `/s`. */
const stagingBytes = stagingPrefix.length + 6 + 2;

/** @throws CallerError `ERR_ADDRESS_TOO_LONG` where no socket can be bound that deep. */
export async function makeStagingDirectory(address: Address): Promise<StagingDirectory> {
  const prefix = join(dirname(address.path), stagingPrefix);
  checkSocketPath(`${prefix}${"X".repeat(stagingBytes - stagingPrefix.length)}`, process.platform);
  const path = await mkdtemp(prefix);
  // `mkdtemp` is subject to the umask, which may take too much.
  await chmod(path, 0o700);
  return {
    socketPath: join(path, "s"),
    restore: () => makeUnlessThere(path).catch(() => true),
    remove: () => rm(path, { recursive: true, force: true }),
  };
}

export interface ClaimOptions {
  readonly staging: StagingDirectory;
  /** The mode with which the socket appears. */
  readonly mode: number;
  isAlive(address: Address): Promise<boolean>;
}

/** Each round loses to another process at most; this many in a row are no accident. */
const highestRounds = 16;

/**
 * Shows the bound socket at its address. A link never replaces what is there, so of any number of servers one wins.
 * A socket that is certainly dead is removed first.
 *
 * @throws SystemError `ERR_ADDRESS_IN_USE`
 */
export async function claimAddress(address: Address, options: ClaimOptions): Promise<FileIdentity> {
  const { socketPath } = options.staging;
  await chmod(socketPath, options.mode);
  const ours = identityOf(await lstat(socketPath, { bigint: true }));
  for (let round = 0; round < highestRounds; round++) {
    if (await linkUnlessTaken(socketPath, address.path)) return ours;
    await withAddressLock(address, () => removeIfDead(address, options.isAlive));
  }
  throw addressInUse(address, "other servers keep taking it");
}

/** Removes the file at `path` if it is still the one of that identity. */
export async function removeIfSame(path: string, identity: FileIdentity): Promise<void> {
  if (isSame(await identify(path), identity)) await ignoreMissing(unlink(path));
}

async function removeIfDead(address: Address, isAlive: ClaimOptions["isAlive"]): Promise<void> {
  const status = await ignoreMissing(lstat(address.path, { bigint: true }));
  if (status === undefined) return;
  if (!status.isSocket()) throw addressInUse(address, "what lies there is no socket");
  if (await isAlive(address)) throw addressInUse(address, "a server is alive there");
  await removeIfSame(address.path, identityOf(status));
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

/** Which file is at `path`, if any. */
export async function identify(path: string): Promise<FileIdentity | undefined> {
  const status = await ignoreMissing(lstat(path, { bigint: true }));
  return status === undefined ? undefined : identityOf(status);
}

function identityOf(status: BigIntStats): FileIdentity {
  return { device: status.dev, inode: status.ino };
}

function isSame(found: FileIdentity | undefined, wanted: FileIdentity): boolean {
  return found !== undefined && found.device === wanted.device && found.inode === wanted.inode;
}
