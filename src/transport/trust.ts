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

/** As many symbolic links as Linux follows on one way. */
const highestLinks = 40;

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
  if (objection !== undefined) throw untrusted(address, `${objection}; the option "trust" can allow users`);
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
  throw untrusted(address, `${objection}; others could replace what a server puts there`);
}

/**
 * Looks at every step: whoever can write a directory, or owns a symbolic link, decides where the way goes from there.
 * Returns the first step that a user who is not trusted owns or can change, with what is wrong with it; `undefined` if
 * there is none.
 */
export function objectionToWay(end: string, trust: Trust = []): string | undefined {
  if (trust === "any") return undefined;
  const trusted = new Set([0, ownUid(), ...trust]);
  const rest = ["", ...steps(end)];
  let at = "/";
  let links = 0;
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    const here = join(at, name);
    const status = lstatSync(here);
    const objection = objectionTo(status, trusted);
    if (objection !== undefined) return `${here} ${objection}`;
    if (status.isSymbolicLink()) {
      links += 1;
      if (links > highestLinks) return `${here} leads through too many symbolic links`;
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

function objectionTo(status: Stats, trusted: ReadonlySet<number>): string | undefined {
  if (!trusted.has(status.uid)) return `belongs to the user ${status.uid}`;
  if (!status.isDirectory() || (status.mode & sticky) !== 0) return undefined;
  if ((status.mode & writableByOthers) !== 0)
    return "is a directory that others can write, without the sticky bit";
  if ((status.mode & writableByGroup) === 0 || isPrivateGroup(status)) return undefined;
  return `is a directory that its group (${status.gid}) can write, without the sticky bit`;
}

function untrusted(address: TrustedPath, objection: string): SealpipeError {
  return new SystemError("ERR_ADDRESS_UNTRUSTED", `the address ${address.path} is not safe: ${objection}`);
}
