import { lstatSync, readdirSync, rmdirSync, type Stats, unlinkSync } from "node:fs";
import { chmod, mkdtemp } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Address, roomBehind } from "./address.ts";
import { removeHold } from "./rename-hold.ts";
import { hasCode } from "./system-errors.ts";
import { ownUid } from "./trust.ts";

/** A directory beside the address that only this user can enter, where the socket is bound before it is linked. */
export interface StagingDirectory {
  readonly path: string;
  /**
   * Its file name begins with the server's name, as far as that fits, because this path is what the system shows of
   * the socket (`ss -xlp`, `lsof -U`), and ends with the directory's name. Node removes this path when the server is
   * closed, long after the directory has gone. By then another user may have put a link in the directory's place, but
   * no directory to which that leads contains a file of that name.
   */
  readonly socketPath: string;
  /** Path for a link to a dead socket that is about to be removed. */
  readonly holdPath: string;
  /** Held while the socket is renamed to the address, where there are no hard links. */
  readonly renameHold: string;
}

const stagingPrefix = ".sp-";
const stagingName = /^\.sp-[A-Za-z0-9]{6}$/;
const holdName = "d";
/** Before the file name of the address. */
const renameHoldPrefix = "c-";
/** Bytes that {@link makeStagingDirectory} adds to the path: twice a slash, the prefix and six random characters. */
const stagingBytes = 2 * (1 + stagingPrefix.length + 6);

type Staging = Pick<StagingDirectory, "path" | "holdPath">;

function stagingAt(path: string): Staging {
  return { path, holdPath: join(path, holdName) };
}

/**
 * Nobody else may be able to change the path to the address, see `checkDirectoryOwn`.
 *
 * @throws CallerError `ERR_ADDRESS_TOO_LONG` if no socket can be bound that deep.
 */
export async function makeStagingDirectory(address: Address): Promise<StagingDirectory> {
  const directory = dirname(address.path);
  const roomBytes = roomBehind(directory, { platform: process.platform, stagingBytes });
  const path = await mkdtemp(join(directory, stagingPrefix));
  // `mkdtemp` is subject to the umask, which may remove the owner's own permissions.
  await chmod(path, 0o700);
  // Names are ASCII, so characters are bytes.
  const shown = basename(address.path, ".sock").slice(0, roomBytes);
  const socketPath = join(path, `${shown}${basename(path)}`);
  return { ...stagingAt(path), socketPath, renameHold: renameHoldIn(path, address) };
}

function renameHoldIn(staging: string, address: Address): string {
  return join(staging, `${renameHoldPrefix}${basename(address.path)}`);
}

/** That of each server of this user that is being started at the address, or beside it. */
export function renameHoldsAt(address: Address): string[] {
  return findStagings(dirname(address.path)).map(({ path }) => renameHoldIn(path, address));
}

/**
 * Removes the directory and the sockets that a server has put there. Anything else in it stays, and so does the
 * directory.
 */
export function removeStaging({ path }: Staging): void {
  try {
    for (const entry of readdirSync(path)) {
      const link = join(path, entry);
      if (entry.startsWith(renameHoldPrefix)) removeHold(link);
      const ours = entry === holdName || entry.endsWith(basename(path));
      if (ours && lookAt(link)?.isSocket() === true) unlinkSync(link);
    }
    rmdirSync(path);
  } catch (error) {
    if (!hasCode(error, "ENOTEMPTY") && !hasCode(error, "ENOENT")) throw error;
  }
}

/** A staging directory of this or another process. */
export interface FoundStaging extends Staging {
  /** When something was last added or removed, in milliseconds since 1970. */
  readonly changedAt: number;
}

/** The staging directories of this user in `directory`. Other users' contain nothing of ours. */
export function findStagings(directory: string): FoundStaging[] {
  return readdirSync(directory).flatMap((entry) => {
    const path = join(directory, entry);
    const status = stagingName.test(entry) ? lookAt(path) : undefined;
    if (status?.isDirectory() !== true || status.uid !== ownUid()) return [];
    return [{ ...stagingAt(path), changedAt: status.mtimeMs }];
  });
}

/** Far longer than a start takes. */
const abandonedAfterMs = 60_000;

/** Removes the staging directories that servers left in `directory` when they were killed while they started. */
export function removeAbandonedStagings(directory: string): void {
  try {
    for (const staging of findStagings(directory)) {
      if (Date.now() - staging.changedAt > abandonedAfterMs) removeStaging(staging);
    }
  } catch {
    // What cannot be removed harms nobody.
  }
}

function lookAt(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
