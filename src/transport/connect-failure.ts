import { lstatSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { SystemError } from "../errors.ts";
import type { Address } from "./address.ts";
import { hasCode } from "./system-errors.ts";

/** Failures that say no more than that no server is there. */
const absences = new WeakSet<object>();

/** Of Windows: a pipe that does not listen any more, or is just being taken away, for which Node has no name. */
const absentCodes = ["ENOENT", "ECONNREFUSED", "ETIMEDOUT", "UNKNOWN"];

/** Whether the failure is merely that no server is there, and nothing is in the way of one. */
export function isAbsence(error: unknown): boolean {
  return typeof error === "object" && error !== null && absences.has(error);
}

/** Why no connection was made, with the system's own error as the cause. */
export function connectFailed(address: Address, cause: Error): SystemError {
  const obstacle = address.kind === "unix-socket" ? obstacleAt(address.path, cause) : undefined;
  const message = `cannot connect to ${address.path}: ${obstacle ?? reasonOf(cause)}`;
  const error = new SystemError("ERR_CONNECT_FAILED", message, { cause });
  if (obstacle === undefined && absentCodes.some((code) => hasCode(cause, code))) absences.add(error);
  return error;
}

function reasonOf(cause: Error): string {
  if (hasCode(cause, "ENOENT")) return `no server is there (${cause.message})`;
  if (hasCode(cause, "ECONNREFUSED")) return `the server that was there is gone (${cause.message})`;
  return cause.message;
}

/** What is at fault besides a server that is not there; `undefined` for nothing. */
function obstacleAt(path: string, cause: Error): string | undefined {
  try {
    if (hasCode(cause, "ENOENT")) return obstacleInDirectory(dirname(path));
    if (hasCode(cause, "ECONNREFUSED")) return obstacleInFile(path);
  } catch {
    // It went meanwhile, or cannot be looked at.
  }
  return undefined;
}

function obstacleInDirectory(directory: string): string | undefined {
  const exists = lstatSync(directory, { throwIfNoEntry: false }) !== undefined;
  return exists ? undefined : `the directory ${directory} does not exist`;
}

function obstacleInFile(path: string): string | undefined {
  const status = lstatSync(path);
  if (status.isDirectory()) return "a directory is there, and no socket";
  if (status.isFile()) return "a file is there, and no socket";
  if (!isMounted(path)) return undefined;
  return (
    "nobody listens on the socket that is mounted there. A socket that is mounted by itself, into a container, say, stays" +
    " that of a server that has gone: mount its directory"
  );
}

/** Only Linux tells, and only there can a file be a mount. */
function isMounted(path: string): boolean {
  if (process.platform !== "linux") return false;
  // Its fifth field is the mount point, in which what would part the fields is written in octal.
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return mounts.some((mount) => mount.split(" ")[4] === path);
}
