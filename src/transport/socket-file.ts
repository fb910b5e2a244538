import type { BigIntStats } from "node:fs";
import { chmod, link, lstat, mkdtemp, rename, rm, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Address, checkSocketPath } from "./address.ts";
import { addressInUse } from "./net-transport.ts";

/** Which file it is, whatever it is called. */
export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
}

/** A directory beside the address that only this user can enter, where the socket is bound before it is shown. */
export interface StagingDirectory {
  readonly socketPath: string;
  /** Where a stale socket is moved, to be looked at once more before it is removed. */
  readonly stalePath: string;
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
    stalePath: join(path, "t"),
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
 * A socket that is certainly dead is moved away first.
 *
 * @throws SystemError `ERR_ADDRESS_IN_USE`
 */
export async function claimAddress(address: Address, options: ClaimOptions): Promise<FileIdentity> {
  const { socketPath } = options.staging;
  await chmod(socketPath, options.mode);
  const ours = identityOf(await lstat(socketPath, { bigint: true }));
  for (let round = 0; round < highestRounds; round++) {
    if (await linkUnlessTaken(socketPath, address.path)) return ours;
    await removeIfDead(address, options);
  }
  throw addressInUse(address, "other servers keep taking it");
}

/** Removes the file at `path` if it is still the one of that identity: never another server's. */
export async function removeIfOurs(path: string, identity: FileIdentity): Promise<void> {
  if (isSame(await identify(path), identity)) await ignoreMissing(unlink(path));
}

async function removeIfDead(address: Address, { staging, isAlive }: ClaimOptions): Promise<void> {
  const status = await ignoreMissing(lstat(address.path, { bigint: true }));
  if (status === undefined) return;
  if (!status.isSocket()) throw addressInUse(address, "what lies there is no socket");
  if (await isAlive(address)) throw addressInUse(address, "a server is alive there");
  const stale = identityOf(status);
  if (isSame(await identify(address.path), stale)) {
    await removeStale(address.path, { stale, asidePath: staging.stalePath });
  }
}

/**
 * Removes the file at `path`, which was `stale` a moment ago: it is moved aside, and if another server's came between
 * the look and the move, that one gets its name back.
 */
export async function removeStale(
  path: string,
  { stale, asidePath }: { readonly stale: FileIdentity; readonly asidePath: string },
): Promise<void> {
  await ignoreMissing(rename(path, asidePath));
  const moved = await identify(asidePath);
  // Another server that wants the address was faster.
  if (moved === undefined) return;
  if (!isSame(moved, stale)) await linkUnlessTaken(asidePath, path);
  await unlink(asidePath);
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

async function ignoreMissing<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
