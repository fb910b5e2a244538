import { lstatSync, readdirSync, rmdirSync, type Stats, unlinkSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Address, checkDirectoryLength } from "./address.ts";
import { hasCode, makeUnlessThere } from "./file-system.ts";
import { ownUid } from "./trust.ts";

/** A directory beside the address that only this user can enter, where the socket is bound before it is shown. */
export interface StagingDirectory {
  readonly socketPath: string;
  /** For a link to a dead socket that is about to be removed. */
  readonly holdPath: string;
  /**
   * Makes it again, empty, after it was removed; false where something else has its name now. Where it cannot be made at
   * all, as its own directory is gone, nothing can have it either.
   */
  restore(): Promise<boolean>;
  remove(): Promise<void>;
}

const stagingPrefix = ".sp-";
const stagingName = /^\.sp-[A-Za-z0-9]{6}$/;
const socketName = "s";
const holdName = "d";
/** What {@link makeStagingDirectory} adds to the directory: a slash, the prefix, six random characters, and `/s`. */
const stagingBytes = 1 + stagingPrefix.length + 6 + 1 + socketName.length;

/** @throws CallerError `ERR_ADDRESS_TOO_LONG` where no socket can be bound that deep. */
export async function makeStagingDirectory(address: Address): Promise<StagingDirectory> {
  const directory = dirname(address.path);
  checkDirectoryLength(directory, { platform: process.platform, stagingBytes });
  const path = await mkdtemp(join(directory, stagingPrefix));
  // `mkdtemp` is subject to the umask, which may take too much.
  await chmod(path, 0o700);
  return {
    socketPath: join(path, socketName),
    holdPath: join(path, holdName),
    restore: () => makeUnlessThere(path).catch(() => true),
    remove: () => rm(path, { recursive: true, force: true }),
  };
}

/** One that some server has made, of which this process need not be the one. */
export interface FoundStaging {
  readonly path: string;
  readonly holdPath: string;
  /** When something was last put there or taken away, in milliseconds since 1970. */
  readonly changedAt: number;
}

/** The staging directories of this user that lie in `directory`. Other users' hold nothing that is ours. */
export function findStagings(directory: string): FoundStaging[] {
  return readdirSync(directory).flatMap((entry) => {
    const path = join(directory, entry);
    const status = stagingName.test(entry) ? lookAt(path) : undefined;
    if (status?.isDirectory() !== true || status.uid !== ownUid()) return [];
    return [{ path, holdPath: join(path, holdName), changedAt: status.mtimeMs }];
  });
}

/** Its name is never used again, so whoever finds it later finds nothing. What is none of ours stays, and keeps it. */
export function removeFoundStaging({ path }: FoundStaging): void {
  for (const name of [socketName, holdName]) {
    const link = join(path, name);
    if (lookAt(link)?.isSocket() === true) unlinkSync(link);
  }
  try {
    rmdirSync(path);
  } catch (error) {
    if (!hasCode(error, "ENOTEMPTY") && !hasCode(error, "ENOENT")) throw error;
  }
}

/** Far longer than a start takes. */
const abandonedAfterMs = 60_000;

/** Removes what servers that were killed while they started have left in `directory`, as far as that can be seen. */
export function removeAbandonedStagings(directory: string): void {
  try {
    for (const staging of findStagings(directory)) {
      if (Date.now() - staging.changedAt > abandonedAfterMs) removeFoundStaging(staging);
    }
  } catch {
    // Litter harms nobody.
  }
}

function lookAt(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
