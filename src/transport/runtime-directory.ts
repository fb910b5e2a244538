import { type Stats, statSync } from "node:fs";
import { SystemError } from "../errors.ts";
import { ownUid } from "./trust.ts";

/** The process's environment, and where systemd creates the directories. */
export interface Surroundings {
  readonly environment: NodeJS.ProcessEnv;
  readonly perUser: string;
}

/**
 * The directory that the system gives each user for sockets and the like: nobody else can enter it.
 *
 * Platform: on Linux and the BSDs `XDG_RUNTIME_DIR`, if it is as the XDG base directory specification demands
 * (absolute, owned by the user, mode 0700). On Linux, if that is not set, systemd's `/run/user/UID`: a service, cron
 * job or `su` often lacks the variable, and so finds the same directory as the user's programs that have it. On macOS
 * `TMPDIR`, which the system sets to a directory of the user's own.
 *
 * @throws SystemError `ERR_NO_RUNTIME_DIRECTORY` if there is none, or it is not as demanded.
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
    `this user has no runtime directory: ${reason}. Log in through the system (systemd: \`loginctl enable-linger\` for a user` +
      ' without a session), or give both ends the same "directory", one of mode 0700 that this user owns',
  );
}

function objectionTo(path: string): string | undefined {
  if (!path.startsWith("/")) return `is not an absolute path: ${path}`;
  let status: Stats | undefined;
  try {
    status = statSync(path);
  } catch (error) {
    return `cannot be used: ${(error as Error).message}`;
  }
  if (!status.isDirectory()) return `is not a directory: ${path}`;
  if (status.uid !== ownUid()) return `belongs to the user ${status.uid}, not to ${ownUid()}: ${path}`;
  const mode = status.mode & 0o777;
  if (mode !== 0o700) return `has the mode 0${mode.toString(8)} instead of 0700: ${path}`;
  return undefined;
}
