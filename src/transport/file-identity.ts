import { type BigIntStats, lstatSync } from "node:fs";
import { lstat } from "node:fs/promises";
import { ignoreMissing } from "./file-system.ts";

/** Which file it is, whatever it is called. */
export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
}

/** Which file is at `path`, if any. */
export async function identify(path: string): Promise<FileIdentity | undefined> {
  const status = await ignoreMissing(lstat(path, { bigint: true }));
  return status === undefined ? undefined : identityOf(status);
}

/** The same at once, for what must follow on it without a pause. */
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
