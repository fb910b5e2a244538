import { lstatSync, mkdtempSync, readdirSync, rmSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import {
  type AddressState,
  type InspectOptions,
  inspectAddress,
  listAddresses,
  SealpipeError,
} from "../index.ts";
import { recordOf } from "./address-record.ts";

/** One thing that was looked at. */
export interface Finding {
  readonly check: string;
  readonly state: "ok" | "warning" | "problem";
  readonly what: string;
  /** What to do about it. */
  readonly remedy?: string;
}

const oldestNode = [20, 19] as const;
/** Far longer than a start takes. */
const abandonedAfterMs = 60_000;
const clockToleranceMs = 2_000;

/** The runtime that this process has, which need not be the other program's. */
export function runtimeFinding(version = process.versions.node, platform = process.platform): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor, oldestMinor] = oldestNode;
  const what = `Node ${version} on ${platform} ${process.arch}`;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) {
    return { check: "runtime", state: "ok", what };
  }
  const remedy = `use Node ${oldestMajor}.${oldestMinor} or later`;
  return { check: "runtime", state: "problem", what: `${what} is older than sealpipe allows`, remedy };
}

/** Whether files in the directory get the times that this process has: a server's cleaning up goes by them. */
export function clockFinding(directory: string): Finding {
  const check = "clock";
  let path: string | undefined;
  try {
    path = mkdtempSync(join(directory, ".sp-doctor-"));
    const skewMs = Math.round(statSync(path).mtimeMs - Date.now());
    if (Math.abs(skewMs) <= clockToleranceMs) {
      return { check, state: "ok", what: `files in ${directory} have this machine's time` };
    }
    const what = `files in ${directory} have a time that is ${skewMs} ms off`;
    const remedy = "set the clock of the machine that the file system is on";
    return { check, state: "warning", what, remedy };
  } catch (error) {
    const what = `nothing can be made in ${directory}: ${(error as Error).message}`;
    return {
      check,
      state: "problem",
      what,
      remedy: "give both ends another --directory, or its user the right to write",
    };
  } finally {
    if (path !== undefined) rmSync(path, { recursive: true, force: true });
  }
}

/** The address of a name: its directory, its owner, its mode, who listens. */
export async function addressFindings(name: string, options: InspectOptions): Promise<Finding[]> {
  let state: AddressState;
  try {
    state = await inspectAddress(name, options);
  } catch (error) {
    if (!(error instanceof SealpipeError)) throw error;
    const remedy = "see docs/errors.md for the code";
    return [{ check: "address", state: "problem", what: `${error.message} (${error.code})`, remedy }];
  }
  const findings = [listenerFinding(state), trustFinding(state)];
  if (state.state === "listening") findings.push(modeFinding(state));
  else findings.push(...(await elsewhere(name, state)));
  return findings;
}

function listenerFinding(state: AddressState): Finding {
  const { address, holder, isSealpipe } = state;
  const check = "listener";
  switch (state.state) {
    case "listening": {
      const who =
        holder === undefined ? "a process that this user may not see" : `${holder.pid} (${holder.name})`;
      const library =
        isSealpipe === undefined
          ? ""
          : isSealpipe
            ? ", with sealpipe"
            : ", with golang-ipc or something else";
      return { check, state: "ok", what: `${who} listens at ${address}${library}` };
    }
    case "free":
      return { check, state: "problem", what: `nothing is at ${address}`, remedy: "start the server" };
    case "dead":
      return {
        check,
        state: "problem",
        what: `the socket at ${address} is dead: its server was killed, or runs in another container`,
        remedy: "start the server, which replaces it",
      };
    case "foreign":
      return {
        check,
        state: "problem",
        what: `what is at ${address} is no socket, so no server can listen there`,
        remedy: "find out whose it is and move it, or use another name",
      };
    case "unknown":
      return {
        check,
        state: "warning",
        what: `a socket is at ${address}; this system does not show who listens`,
      };
  }
}

function trustFinding({ address, objection }: AddressState): Finding {
  const check = "trust";
  if (objection === undefined)
    return { check, state: "ok", what: `only trusted users can change ${address}` };
  return { check, state: "problem", what: objection, remedy: "see docs/security.md, `Trust`" };
}

function modeFinding(state: AddressState): Finding {
  const { owner, mode = 0 } = state;
  const what = `owner ${owner}, mode ${recordOf(state).mode}`;
  const isOpen = (mode & 0o002) !== 0;
  const mayConnect = process.getuid?.() === 0 || process.getuid?.() === owner || isOpen;
  if (process.platform === "win32" || (mayConnect && !isOpen)) return { check: "mode", state: "ok", what };
  if (isOpen)
    return { check: "mode", state: "warning", what: `${what}: every user of the machine can connect` };
  const remedy = "start the server with unmaskPermissions, or run this as its user";
  return { check: "mode", state: "problem", what: `${what}: this user cannot connect`, remedy };
}

/** Servers of that name that listen at another address. */
async function elsewhere(name: string, { address }: AddressState): Promise<Finding[]> {
  const others = (await listAddresses()).filter(
    (other) => other.state === "listening" && other.address !== address && recordOf(other).name === name,
  );
  return others.map(({ address: other }) => ({
    check: "elsewhere",
    state: "warning",
    what: `a server of that name listens at ${other}`,
    remedy: "give both ends the same --directory and --private-directory",
  }));
}

/** What servers that were killed while they started have left in the directory. */
export function leftoverFinding(directory: string): Finding {
  const check = "leftovers";
  const old = entriesOf(directory).filter(
    (entry) => /^\.sp-[A-Za-z0-9]{6}$/.test(entry) && isOld(join(directory, entry)),
  );
  if (old.length === 0) return { check, state: "ok", what: `no server has left anything in ${directory}` };
  const what = `${old.length} directories that servers left when they were killed, such as ${join(directory, old[0] as string)}`;
  return {
    check,
    state: "warning",
    what,
    remedy: "they do no harm; the next server that replaces a dead socket removes them",
  };
}

/** A file with a secret, as both ends demand it. */
export function secretFinding(file: string): Finding {
  const check = "secret";
  const status = statusOf(file);
  if (status === undefined)
    return { check, state: "problem", what: `there is no file ${file}`, remedy: "start the server" };
  const remedy = `chown it to this user, and chmod 600 ${file}`;
  if (!status.isFile())
    return { check, state: "problem", what: `${file} is no regular file`, remedy: "name the file itself" };
  if (process.platform === "win32")
    return { check, state: "ok", what: `${file} is there; Windows shows no more` };
  const isOwn = status.uid === process.getuid?.() || status.uid === 0;
  if (!isOwn) return { check, state: "problem", what: `${file} belongs to the user ${status.uid}`, remedy };
  if ((status.mode & 0o077) === 0) return { check, state: "ok", what: `only its user can read ${file}` };
  return { check, state: "problem", what: `others may read or write ${file}`, remedy };
}

/** Dead sockets of this user, wherever they are. */
export async function deadFindings(): Promise<Finding[]> {
  const dead = (await listAddresses()).filter(
    ({ state, owner }) => state === "dead" && owner === process.getuid?.(),
  );
  if (dead.length === 0) return [{ check: "dead sockets", state: "ok", what: "none of this user's" }];
  return dead.map(({ address }) => ({
    check: "dead sockets",
    state: "warning",
    what: `no process listens at ${address}`,
    remedy: "its server replaces it when it starts; if there is none any more, remove it",
  }));
}

function isOld(path: string): boolean {
  const status = statusOf(path);
  return status !== undefined && Date.now() - status.mtimeMs > abandonedAfterMs;
}

function statusOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
