import { type Stats, statSync } from "node:fs";
import { SystemError } from "../errors.ts";
import { ownUid } from "./trust.ts";

/**
 * The directory that the system gives each user for sockets and the like: nobody else can enter it.
 *
 * Platform: `XDG_RUNTIME_DIR` on Linux and the BSDs, fit as the XDG base directory specification demands (absolute, owned
 * by the user, mode 0700); `TMPDIR` on macOS, which the system sets to a directory of the user's own.
 *
 * @throws SystemError `ERR_NO_RUNTIME_DIRECTORY` where there is none, or it is not fit.
 */
export function runtimeDirectory(
  platform: NodeJS.Platform,
  environment: NodeJS.ProcessEnv = process.env,
): string {
  const variable = platform === "darwin" ? "TMPDIR" : "XDG_RUNTIME_DIR";
  const path = environment[variable];
  const objection = path ? objectionTo(path) : "is not set";
  if (path && objection === undefined) return path;
  throw new SystemError(
    "ERR_NO_RUNTIME_DIRECTORY",
    `this user has no runtime directory: ${variable} ${objection}`,
  );
}

function objectionTo(path: string): string | undefined {
  if (!path.startsWith("/")) return `is no absolute path: ${path}`;
  let status: Stats | undefined;
  try {
    status = statSync(path);
  } catch (error) {
    return `cannot be used: ${(error as Error).message}`;
  }
  if (!status.isDirectory()) return `is no directory: ${path}`;
  if (status.uid !== ownUid()) return `belongs to the user ${status.uid}, not to ${ownUid()}: ${path}`;
  const mode = status.mode & 0o777;
  if (mode !== 0o700) return `has the mode 0${mode.toString(8)} instead of 0700: ${path}`;
  return undefined;
}
