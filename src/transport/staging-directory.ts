import { chmod, mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Address, checkDirectoryLength } from "./address.ts";
import { makeUnlessThere } from "./file-system.ts";

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

export const stagingPrefix = ".sp-";
const socketName = "s";
export const holdName = "d";
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
