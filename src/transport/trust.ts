import { lstatSync, readlinkSync, type Stats } from "node:fs";
import { dirname, join } from "node:path";
import { type SealpipeError, SystemError } from "../errors.ts";
import { isPrivateGroup } from "./private-group.ts";

/**
 * Who else may hold an address, besides the user of this process and root: the ids of users, or `"any"` for everyone.
 */
export type Trust = "any" | readonly number[];

/** A path, and who may have put there what lies at it. */
export interface TrustedPath {
  readonly path: string;
  readonly trust?: Trust;
}

/** What is wrong with a step, and what can be done about it. */
export interface Objection {
  readonly what: string;
  readonly remedy: string;
  /** Another user owns the step, and a client may trust that one. Whom one trusts has no say in anything else. */
  readonly byOwner: boolean;
}

/** As many symbolic links as Linux follows on one way. */
const maxLinks = 40;

/** The user as whom the files of this process are made. Only where there are users: not on Windows. */
export function ownUid(): number {
  return process.geteuid?.() ?? 0;
}

/**
 * Throws unless only trusted users can have put there what lies at the address: each of them owns it, or has put
 * themselves in the position to replace it. Synchronous, so that nothing comes between this and what follows on it.
 *
 * @throws SystemError `ERR_ADDRESS_UNTRUSTED`, or the system's own error where something is not there.
 */
export function checkAddressTrusted(address: TrustedPath): void {
  const objection = objectionToWay(address.path, address.trust);
  if (objection !== undefined) throw untrusted(address, `${objection.what}; ${objection.remedy}`);
}

/**
 * Throws unless nobody but this user and root can change the way to the address's directory, whomever the address trusts:
 * what a server makes, opens to others and removes there, it finds by its path.
 *
 * @throws SystemError `ERR_ADDRESS_UNTRUSTED`, or the system's own error if something is not there.
 */
export function checkDirectoryOwn(address: TrustedPath): void {
  const objection = objectionToWay(dirname(address.path));
  if (objection === undefined) return;
  const remedy = objection.byOwner ? 'give both ends a "directory" of this user' : objection.remedy;
  throw untrusted(address, `${objection.what}; others could replace what a server puts there: ${remedy}`);
}

/**
 * Looks at every step: whoever can write a directory, or owns a symbolic link, decides where the way goes from there.
 * Returns the first step that a user who is not trusted owns or can change, with what is wrong with it; `undefined` if
 * there is none.
 */
export function objectionToWay(end: string, trust: Trust = []): Objection | undefined {
  if (trust === "any") return undefined;
  const trusted = new Set([0, ownUid(), ...trust]);
  const rest = ["", ...steps(end)];
  let at = "/";
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
/** Whoever can write the directory can then remove and rename only what is theirs. */
const sticky = 0o1000;

function objectionTo(status: Stats, trusted: ReadonlySet<number>): Objection | undefined {
  if (!trusted.has(status.uid)) {
    const remedy = `if that user may hold the address, say so: the option "trust" with [${status.uid}]`;
    return { what: `belongs to the user ${status.uid}`, remedy, byOwner: true };
  }
  if (!status.isDirectory() || (status.mode & sticky) !== 0) return undefined;
  if ((status.mode & writableByOthers) !== 0) return openToMany("others");
  if ((status.mode & writableByGroup) === 0 || isPrivateGroup(status)) return undefined;
  return openToMany(`its group (${status.gid})`);
}

function openToMany(who: string): Objection {
  return {
    what: `is a directory that ${who} can write, without the sticky bit`,
    remedy:
      'set that bit (chmod +t), or give both ends a "directory" that only its user can write, or that has the bit, as' +
      " /dev/shm has in most containers",
    byOwner: false,
  };
}

function tooManyLinks(path: string): Objection {
  const remedy = "mend the links, or name the directory to which they should lead";
  return { what: `${path} leads through too many symbolic links`, remedy, byOwner: false };
}

function untrusted(address: TrustedPath, objection: string): SealpipeError {
  return new SystemError("ERR_ADDRESS_UNTRUSTED", `the address ${address.path} is not safe: ${objection}`);
}
