import { lstatSync, readlinkSync, type Stats } from "node:fs";
import { dirname, join } from "node:path";
import { type SealpipeError, SystemError } from "../errors.ts";
import type { Address } from "./address.ts";
import { isPrivateGroup } from "./private-group.ts";

/**
 * Who else may hold an address, besides the user of this process and root: the ids of users, or `"any"` for everyone.
 */
export type Trust = "any" | readonly number[];

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
export function checkAddressTrusted(address: Address): void {
  checkWay(address, address.path);
}

/** The same for the directory alone, where something is about to be put. */
export function checkDirectoryTrusted(address: Address): void {
  checkWay(address, dirname(address.path));
}

/**
 * Looks at every step: whoever can write a directory, or owns a symbolic link, decides where the way goes from there.
 */
function checkWay(address: Address, end: string): void {
  if (address.trust === "any") return;
  const trusted = new Set([0, ownUid(), ...(address.trust ?? [])]);
  const look = (step: string): Stats => {
    const status = lstatSync(step);
    const objection = objectionTo(status, trusted);
    if (objection !== undefined) throw untrusted(address, step, objection);
    return status;
  };
  const rest = steps(end);
  let at = "/";
  let links = 0;
  look(at);
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    const here = join(at, name);
    if (look(here).isSymbolicLink()) {
      links += 1;
      if (links > highestLinks) throw untrusted(address, here, "leads through too many symbolic links");
      const target = readlinkSync(here);
      if (target.startsWith("/")) at = "/";
      rest.unshift(...steps(target));
    } else {
      at = here;
    }
  }
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

function untrusted(address: Address, step: string, objection: string): SealpipeError {
  return new SystemError(
    "ERR_ADDRESS_UNTRUSTED",
    `the address ${address.path} is not safe: ${step} ${objection}; the option "trust" can allow users`,
  );
}
