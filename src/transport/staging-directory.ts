import { lstatSync, readdirSync, rmdirSync, type Stats, unlinkSync } from "node:fs";
import { chmod, mkdtemp } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Address, roomBehind } from "./address.ts";
import { hasCode } from "./system-errors.ts";
import { ownUid } from "./trust.ts";

/** A directory beside the address that only this user can enter, where the socket is bound before it is shown. */
export interface StagingDirectory {
  readonly path: string;
  /**
   * Begins with the server's name, as far as it fits, since this path is what the system shows of the socket (`ss -xlp`,
   * `lsof -U`), and ends as the directory is named. Node removes it when the server is closed, long after the directory has
   * gone, and by then another user may have put a link in its place: no directory to which it leads has anything of that name.
   */
  readonly socketPath: string;
  /** For a link to a dead socket that is about to be removed. */
  readonly holdPath: string;
}

const stagingPrefix = ".sp-";
const stagingName = /^\.sp-[A-Za-z0-9]{6}$/;
const holdName = "d";
/** What {@link makeStagingDirectory} adds to the directory: twice a slash, the prefix and six random characters. */
const stagingBytes = 2 * (1 + stagingPrefix.length + 6);

/** What all of them have. */
type Staging = Pick<StagingDirectory, "path" | "holdPath">;

function stagingAt(path: string): Staging {
  return { path, holdPath: join(path, holdName) };
}

/**
 * Nobody else may be able to change the way to it, see `checkDirectoryOwn`.
 *
 * @throws CallerError `ERR_ADDRESS_TOO_LONG` if no socket can be bound that deep.
 */
export async function makeStagingDirectory(address: Address): Promise<StagingDirectory> {
  const directory = dirname(address.path);
  const roomBytes = roomBehind(directory, { platform: process.platform, stagingBytes });
  const path = await mkdtemp(join(directory, stagingPrefix));
  // `mkdtemp` is subject to the umask, which may take too much.
  await chmod(path, 0o700);
  // A name is ASCII.
  const shown = basename(address.path, ".sock").slice(0, roomBytes);
  return { ...stagingAt(path), socketPath: join(path, `${shown}${basename(path)}`) };
}

/** Removes it with the sockets that a server has put there. Whatever else lies in it stays, and keeps it. */
export function removeStaging({ path }: Staging): void {
  try {
    for (const entry of readdirSync(path)) {
      const link = join(path, entry);
      const ours = entry === holdName || entry.endsWith(basename(path));
      if (ours && lookAt(link)?.isSocket() === true) unlinkSync(link);
    }
    rmdirSync(path);
  } catch (error) {
    if (!hasCode(error, "ENOTEMPTY") && !hasCode(error, "ENOENT")) throw error;
  }
}

/** One that some server has made, of which this process need not be the one. */
export interface FoundStaging extends Staging {
  /** When something was last put there or taken away, in milliseconds since 1970. */
  readonly changedAt: number;
}

/** The staging directories of this user that lie in `directory`. Other users' hold nothing that is ours. */
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

/** Removes what servers that were killed while they started have left in `directory`, as far as that can be seen. */
export function removeAbandonedStagings(directory: string): void {
  try {
    for (const staging of findStagings(directory)) {
      if (Date.now() - staging.changedAt > abandonedAfterMs) removeStaging(staging);
    }
  } catch {
    // Litter harms nobody.
  }
}

function lookAt(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
