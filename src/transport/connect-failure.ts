import { lstatSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { SystemError } from "../errors.ts";
import type { Address } from "./address.ts";
import { hasCode } from "./system-errors.ts";

/** Failures that mean only that no server is there. */
const absences = new WeakSet<object>();

/**
 * The last two are Windows': a pipe that no longer listens, and one that is just being removed, for which Node has no
 * name.
 */
const absentCodes = ["ENOENT", "ECONNREFUSED", "ETIMEDOUT", "UNKNOWN"];

/** Whether merely no server is there, and nothing stands in the way of one. */
export function isAbsence(error: unknown): boolean {
  return typeof error === "object" && error !== null && absences.has(error);
}

/** Failures of what a program hands in, of whose causes nothing is known. */
const transient = new WeakSet<object>();

/** Whether another try may succeed, whatever the cause is. */
export function isTransient(error: unknown): boolean {
  return typeof error === "object" && error !== null && transient.has(error);
}

/** Why what the program handed in made no connection. `isFinal`: another try cannot succeed. */
export function handedInFailed(address: Address, cause: Error, isFinal = false): SystemError {
  const error = connectFailed(address, cause);
  if (!isFinal) transient.add(error);
  return error;
}

/** Why no connection was made, with the system's own error as the cause. */
export function connectFailed(address: Address, cause: Error): SystemError {
  const obstacle = address.kind === "unix-socket" ? obstacleAt(address.path, cause) : undefined;
  const reason = address.kind === "handed-in" ? cause.message : reasonOf(cause);
  const message = `cannot connect to ${address.shown ?? address.path}: ${obstacle ?? reason}`;
  const error = new SystemError("ERR_CONNECT_FAILED", message, { cause });
  if (obstacle === undefined && absentCodes.some((code) => hasCode(cause, code))) absences.add(error);
  return error;
}

function reasonOf(cause: Error): string {
  if (hasCode(cause, "ENOENT")) return `no server is there (${cause.message})`;
  if (hasCode(cause, "ECONNREFUSED")) return `the server that was there is gone (${cause.message})`;
  return cause.message;
}

/** What stands in the way of a server; `undefined` if nothing does. */
function obstacleAt(path: string, cause: Error): string | undefined {
  try {
    if (hasCode(cause, "ENOENT")) return obstacleInDirectory(dirname(path));
    if (hasCode(cause, "ECONNREFUSED")) return obstacleInFile(path);
  } catch {
    // It has gone meanwhile, or cannot be examined.
  }
  return undefined;
}

function obstacleInDirectory(directory: string): string | undefined {
  const exists = lstatSync(directory, { throwIfNoEntry: false }) !== undefined;
  if (exists) return undefined;
  return obstacleInDirectory(dirname(directory)) ?? `the directory ${directory} does not exist`;
}

function obstacleInFile(path: string): string | undefined {
  const status = lstatSync(path);
  if (status.isDirectory()) return "a directory is there instead of a socket";
  if (status.isFile()) return "a file is there instead of a socket";
  if (!isMounted(path)) return undefined;
  return (
    "nobody listens on the socket that is mounted there. If a socket is mounted by itself, for example into a container," +
    " it stays the socket of a server that has gone: mount its directory instead"
  );
}

/** Linux alone: only there can a file be a mount. */
function isMounted(path: string): boolean {
  if (process.platform !== "linux") return false;
  // The fifth field is the mount point, with white space in it escaped.
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return mounts.some((mount) => mount.split(" ")[4] === path);
}
