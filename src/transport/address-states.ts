import { existsSync, lstatSync, readdirSync, type Stats } from "node:fs";
import { dirname, join } from "node:path";
import type { Address } from "./address.ts";
import { type HoldingProcess, holdersOf, inodesAt, linux, stagedFor } from "./address-holder.ts";
import { type ListedSocket, listeningSockets } from "./socket-table.ts";
import { messageOf } from "./system-errors.ts";
import { checkAddressTrusted } from "./trust.ts";

/** What is at an address, found out without connecting to it. */
export interface AddressState {
  /** The socket's path, or the pipe's name. */
  readonly address: string;
  /**
   * - `free`: nothing is there.
   * - `listening`: a process listens there.
   * - `dead`: a socket is there on which no process of this network namespace listens, so usually a killed server's.
   * - `foreign`: something is there that is not a socket.
   * - `unknown`: a socket is there, and this system does not show who listens.
   */
  readonly state: "free" | "listening" | "dead" | "foreign" | "unknown";
  /** Whether a sealpipe server listens there; `undefined` if nothing does, or that is not known. */
  readonly isSealpipe: boolean | undefined;
  /** The user that owns what is there. */
  readonly owner: number | undefined;
  /** Its permissions, such as 0o600. */
  readonly mode: number | undefined;
  /** When it was put there, in milliseconds since 1970. */
  readonly changedAt: number | undefined;
  /** The process that listens there, if this user may know. */
  readonly holder: HoldingProcess | undefined;
  /** Why a client would not connect to it, or to a server that starts there; `undefined` if it would. */
  readonly objection: string | undefined;
}

/** Nobody waits for a server to start meanwhile. */
const patientLinux = { ...linux, patienceMs: 5_000 };

/** The states of these addresses. The system's tables are read once for all of them. */
export async function statesOf(addresses: readonly Address[], table = patientLinux): Promise<AddressState[]> {
  const isKnown = existsSync(table.socketTable);
  const sockets = await listeningSockets(table.socketTable);
  const found = addresses.map((address) => ({ address, inodes: inodesAt(address.path, sockets) }));
  const wanted = new Set(found.flatMap(({ inodes }) => (inodes.length === 1 ? inodes : [])));
  const holders = wanted.size === 0 ? undefined : await holdersOf(wanted, table).catch(() => undefined);
  return found.map(({ address, inodes }) => {
    const listening = sockets.filter(({ inode }) => inodes.includes(inode));
    const [inode] = inodes;
    const holder = inodes.length === 1 ? holders?.get(inode as string) : undefined;
    return stateOf(address, { isKnown, listening, holder });
  });
}

interface Listed {
  readonly isKnown: boolean;
  readonly listening: readonly ListedSocket[];
  readonly holder: HoldingProcess | undefined;
}

function stateOf(address: Address, { isKnown, listening, holder }: Listed): AddressState {
  const status = statusOf(address.path);
  if (status === undefined || !status.isSocket()) {
    const state = status === undefined ? "free" : "foreign";
    return { ...aboutFile(address, status), state, isSealpipe: undefined, holder: undefined };
  }
  if (listening.length === 0) {
    const state = isKnown ? "dead" : "unknown";
    return { ...aboutFile(address, status), state, isSealpipe: undefined, holder: undefined };
  }
  const isSealpipe = listening.every(({ path }) => stagedFor(path) !== undefined);
  return { ...aboutFile(address, status), state: "listening", isSealpipe, holder };
}

function statusOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    // Nor can a client get there.
    return undefined;
  }
}

function aboutFile(address: Address, status: Stats | undefined) {
  const mode = status && status.mode & 0o777;
  const objection = objectionTo(status === undefined ? { ...address, path: dirname(address.path) } : address);
  return { address: address.path, owner: status?.uid, mode, changedAt: status?.ctimeMs, objection };
}

function objectionTo(address: Address): string | undefined {
  try {
    checkAddressTrusted(address);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** The directories in which sealpipe servers listen at present, by the system's table. */
export async function listeningDirectories(table = linux): Promise<string[]> {
  const sockets = await listeningSockets(table.socketTable);
  const directories = sockets.flatMap(({ path }) => stagedFor(path)?.directory ?? []);
  return [...new Set(directories)].filter((directory) => !directory.startsWith("/proc/"));
}

/** The paths of the sockets in these directories whose names end as those of servers do. */
export function socketsIn(directories: readonly string[]): string[] {
  const paths = new Set<string>();
  for (const directory of directories) {
    for (const entry of entriesOf(directory)) {
      if (entry.endsWith(".sock") && statusOf(join(directory, entry))?.isSocket() === true) {
        paths.add(join(directory, entry));
      }
    }
  }
  return [...paths].sort();
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    // It is not there, or not for this user to see.
    return [];
  }
}

/** Of the private directories inside `directory`, those that this user can read. */
export function privateDirectoriesIn(directory: string): string[] {
  return entriesOf(directory)
    .filter((entry) => /^sealpipe-\d+$/.test(entry))
    .map((entry) => join(directory, entry));
}

const pipes = "\\\\.\\pipe\\";

/** All pipes of the machine. Platform: Windows. */
export function allPipes(): Address[] {
  return entriesOf(pipes).map((name) => ({ kind: "named-pipe", path: `${pipes}${name}` }));
}

/** A pipe that is there has a process that listens. Platform: Windows. */
export function pipeStates(addresses: readonly Address[]): AddressState[] {
  const there = new Set(allPipes().map(({ path }) => path.toLowerCase()));
  return addresses.map(({ path }) => ({
    address: path,
    state: there.has(path.toLowerCase()) ? "listening" : "free",
    isSealpipe: undefined,
    owner: undefined,
    mode: undefined,
    changedAt: undefined,
    holder: undefined,
    objection: undefined,
  }));
}
