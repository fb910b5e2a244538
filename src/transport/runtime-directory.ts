import { type Stats, statSync } from "node:fs";
import { SystemError } from "../errors.ts";
import { ownUid } from "./trust.ts";

/** What is looked at: a process's environment, and where systemd makes the directory. */
export interface Surroundings {
  readonly environment: NodeJS.ProcessEnv;
  readonly perUser: string;
}

/**
 * The directory that the system gives each user for sockets and the like: nobody else can enter it.
 *
 * Platform: `XDG_RUNTIME_DIR` on Linux and the BSDs, fit as the XDG base directory specification demands (absolute, owned
 * by the user, mode 0700). On Linux, if that is not set, `/run/user/UID`, where systemd makes it: a service, cron job or
 * `su` often lacks the variable, and finds the same directory as a program of the user's that has it. `TMPDIR` on macOS, which
 * the system sets to a directory of the user's own.
 *
 * @throws SystemError `ERR_NO_RUNTIME_DIRECTORY` where there is none, or it is not fit.
 */
export function runtimeDirectory(
  platform: NodeJS.Platform,
  { environment, perUser }: Surroundings = { environment: process.env, perUser: "/run/user" },
): string {
  const variable = platform === "darwin" ? "TMPDIR" : "XDG_RUNTIME_DIR";
  const path = environment[variable];
  if (path) {
    const objection = objectionTo(path);
    if (objection === undefined) return path;
    throw none(`${variable} ${objection}`);
  }
  if (platform !== "linux") throw none(`${variable} is not set`);
  const usual = `${perUser}/${ownUid()}`;
  const objection = objectionTo(usual);
  if (objection === undefined) return usual;
  throw none(`${variable} is not set, and ${usual} ${objection}`);
}

function none(reason: string): SystemError {
  return new SystemError(
    "ERR_NO_RUNTIME_DIRECTORY",
    `this user has no runtime directory: ${reason}. Log in by the system (systemd: \`loginctl enable-linger\` for a user` +
      ' without a session), or give both ends the same "directory", one of mode 0700 that this user owns',
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
