import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  type Stats,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Address } from "./address.ts";
import { identityOf, isSame } from "./file-identity.ts";
import { hasCode } from "./system-errors.ts";
import { ownUid, untrusted } from "./trust.ts";

// A private directory is for a directory in which anybody can rename and remove what is there. There a path says nothing: what it
// leads to may change between a look and the next step. So a private directory is opened, examined, and reached by its descriptor.

/** An address, as long as its directory is held. */
export interface Hold {
  /** With a path that leads through the descriptor, if the directory is a private one; otherwise the address itself. */
  readonly address: Address;
  release(): void;
}

const ownerRights = 0o700;
const othersRights = 0o077;
const openFlags = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0);

/** A round fails only if somebody removes the directory meanwhile; that many in a row are no accident. */
const maxRounds = 16;

/** Where the descriptors of this process are paths. */
const linuxDescriptors = "/proc/self/fd";

/**
 * Holds the directory of the address, if that is a private one: opens it, and examines it. What is done at the path of the hold's
 * address is done in that directory, whatever others rename meanwhile. `undefined` if it is not there.
 *
 * Platform: a system without `/proc/self/fd` cannot reach a file by the descriptor of its directory. There every step of the path
 * is checked, as for an address that is in no private directory.
 *
 * @throws SystemError `ERR_ADDRESS_UNTRUSTED` if what is there is no private directory of this user; the system's own error if
 * it cannot be opened.
 */
export function holdIfThere(address: Address, descriptors = linuxDescriptors): Hold | undefined {
  if (address.isPrivate !== true) return { address, release() {} };
  const descriptor = openIfThere(address);
  if (descriptor === undefined) return undefined;
  try {
    const status = fstatSync(descriptor);
    const objection = objectionTo(status);
    if (objection !== undefined) throw refused(address, objection);
    if ((status.mode & ownerRights) !== ownerRights) fchmodSync(descriptor, ownerRights);
    const held = `${descriptors}/${descriptor}`;
    if (!leadsTo(held, descriptor)) {
      closeSync(descriptor);
      return { address: { ...address, isPrivate: false }, release() {} };
    }
    const path = join(held, basename(address.path));
    const through = { ...address, isPrivate: false, path, held, shown: address.path };
    return { address: through, release: () => closeSync(descriptor) };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/**
 * The same, and makes a private directory that is not there. Both ends do: a client that comes first can then watch it.
 *
 * @throws SystemError `ERR_ADDRESS_UNTRUSTED`; the system's own error if it can be neither made nor opened.
 */
export function holdDirectory(address: Address, descriptors = linuxDescriptors): Hold {
  for (let round = 0; round < maxRounds; round++) {
    const hold = holdIfThere(address, descriptors);
    if (hold !== undefined) return hold;
    try {
      mkdirSync(dirname(address.path), { mode: ownerRights });
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
    }
  }
  throw refused(address, "is removed again and again");
}

function openIfThere(address: Address): number | undefined {
  const path = dirname(address.path);
  try {
    return openSync(path, openFlags);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    // Something else that is there says so by one of several codes.
    const status = lstatSync(path, { throwIfNoEntry: false });
    const objection = status && objectionTo(status);
    throw objection === undefined ? error : refused(address, objection);
  }
}

function objectionTo(status: Stats): string | undefined {
  if (status.uid !== ownUid()) return `belongs to the user ${status.uid}, not to ${ownUid()}`;
  if (!status.isDirectory()) return status.isSymbolicLink() ? "is a symbolic link" : "is not a directory";
  if ((status.mode & othersRights) === 0) return undefined;
  return `is open to others: its mode is 0${(status.mode & 0o777).toString(8)} and must be 0700`;
}

function refused(address: Address, objection: string): Error {
  return untrusted(
    address,
    `the private directory ${dirname(address.path)} ${objection}; somebody else may have taken its place: remove it, or give` +
      ' both ends another "directory"',
  );
}

/** Whether a file in the directory can be reached by the directory's descriptor. */
function leadsTo(held: string, descriptor: number): boolean {
  const found = statSync(`${held}/.`, { bigint: true, throwIfNoEntry: false });
  return (
    found !== undefined && isSame(identityOf(found), identityOf(fstatSync(descriptor, { bigint: true })))
  );
}
