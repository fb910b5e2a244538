import { lstatSync, readlinkSync, type Stats } from "node:fs";
import { dirname, join } from "node:path";
import { type SealpipeError, SystemError } from "../errors.ts";
import { isPrivateGroup } from "./private-group.ts";

/**
 * Who may own an address besides the user of this process and root: the ids of users, or `"any"` for everyone.
 */
export type Trust = "any" | readonly number[];

/** A path, and the users that may own what is there. */
export interface TrustedPath {
  readonly path: string;
  readonly trust?: Trust;
  /** A directory above that is held open and has been examined: the path is checked from there on. */
  readonly held?: string;
  /** The path for people, if `path` leads through a descriptor. */
  readonly shown?: string;
}

/** What is wrong with a step, and what can be done about it. */
export interface Objection {
  readonly what: string;
  readonly remedy: string;
  /** Another user owns the step, so a client's `trust` can help. It cannot help with any other objection. */
  readonly byOwner: boolean;
}

/** Linux follows at most this many symbolic links in one path. */
const maxLinks = 40;

/** The user that owns the files this process creates. Not for Windows, which has no user ids. */
export function ownUid(): number {
  return process.geteuid?.() ?? 0;
}

/**
 * Throws unless only trusted users own what is at the address or can replace it. Synchronous, so that nothing runs
 * between the check and what follows.
 *
 * @throws SystemError `ERR_ADDRESS_UNTRUSTED`, or the system's own error if something is not there.
 */
export function checkAddressTrusted(address: TrustedPath): void {
  const objection = objectionToWay(address.path, address.trust, address.held);
  if (objection !== undefined) throw untrusted(address, `${objection.what}; ${objection.remedy}`);
}

/**
 * Throws unless only this user and root can change the path to the address's directory, whomever the address trusts:
 * a server creates, opens to others and removes files there by their paths.
 *
 * @throws SystemError `ERR_ADDRESS_UNTRUSTED`, or the system's own error if something is not there.
 */
export function checkDirectoryOwn(address: TrustedPath): void {
  const objection = objectionToWay(dirname(address.path), [], address.held);
  if (objection === undefined) return;
  const remedy = objection.byOwner ? 'give both ends a "directory" of this user' : objection.remedy;
  throw untrusted(address, `${objection.what}; others could replace what a server puts there: ${remedy}`);
}

/**
 * Checks every step of the path: a user that can write to a directory, or owns a symbolic link, decides where the
 * path leads from there. Returns what is wrong with the first step that an untrusted user owns or can change;
 * `undefined` if there is none. The directory `from`, if given, is trusted, and so is what leads there.
 */
export function objectionToWay(end: string, trust: Trust = [], from?: string): Objection | undefined {
  if (trust === "any") return undefined;
  const trusted = new Set([0, ownUid(), ...trust]);
  const rest = from === undefined ? ["", ...steps(end)] : steps(end.slice(from.length));
  let at = from ?? "/";
  let links = 0;
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    const here = join(at, name);
    const status = lstatSync(here);
    const objection = objectionTo(status, trusted);
    if (objection !== undefined) return { ...objection, what: `${here} ${objection.what}` };
    if (status.isSymbolicLink()) {
      links += 1;
      if (links > maxLinks) return tooManyLinks(here);
      const target = readlinkSync(here);
      if (target.startsWith("/")) at = "/";
      rest.unshift(...steps(target));
    } else {
      at = here;
    }
  }
  return undefined;
}

function steps(path: string): string[] {
  return path.split("/").filter((name) => name !== "");
}

const writableByGroup = 0o020;
const writableByOthers = 0o002;
/** Users that can write to a sticky directory can remove and rename only their own files. */
const sticky = 0o1000;

function objectionTo(status: Stats, trusted: ReadonlySet<number>): Objection | undefined {
  if (!trusted.has(status.uid)) {
    const remedy = `if that user may own the address, set the option "trust" to [${status.uid}]`;
    return { what: `belongs to the user ${status.uid}`, remedy, byOwner: true };
  }
  if (!status.isDirectory() || (status.mode & sticky) !== 0) return undefined;
  if ((status.mode & writableByOthers) !== 0) return openToMany("others");
  if ((status.mode & writableByGroup) === 0 || isPrivateGroup(status)) return undefined;
  return openToMany(`its group (${status.gid})`);
}

function openToMany(who: string): Objection {
  return {
    what: `is a directory that ${who} can write to, without the sticky bit`,
    remedy:
      'set that bit (chmod +t), or give both ends the option "privateDirectory", or a "directory" that only its user can write' +
      " to, or that has the bit, as /dev/shm has in most containers",
    byOwner: false,
  };
}

function tooManyLinks(path: string): Objection {
  const remedy = "correct the links, or name the directory to which they should lead";
  return { what: `${path} leads through too many symbolic links`, remedy, byOwner: false };
}

export function untrusted({ path, shown = path }: TrustedPath, objection: string): SealpipeError {
  return new SystemError("ERR_ADDRESS_UNTRUSTED", `the address ${shown} is not safe: ${objection}`);
}
