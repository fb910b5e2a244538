import { type BigIntStats, lstatSync } from "node:fs";

/** Identifies a file, whatever its name. */
export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
}

/** The identity of the file at `path`, if there is one; without a turn of the event loop, in which it could change. */
export function identifyNow(path: string): FileIdentity | undefined {
  const status = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return status === undefined ? undefined : identityOf(status);
}

export function identityOf(status: BigIntStats): FileIdentity {
  return { device: status.dev, inode: status.ino };
}

export function isSame(found: FileIdentity | undefined, wanted: FileIdentity): boolean {
  return found !== undefined && found.device === wanted.device && found.inode === wanted.inode;
}
