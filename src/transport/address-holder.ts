import { existsSync } from "node:fs";
import { readdir, readFile, readlink } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { type ListedSocket, listeningSockets } from "./socket-table.ts";

/** Where the system lists sockets and processes. */
export interface ProcessTable {
  readonly socketTable: string;
  readonly processes: string;
  /** How long to look, in milliseconds: there may be any number of processes, with any number of descriptors. */
  readonly patienceMs: number;
}

export const linux: ProcessTable = { socketTable: "/proc/net/unix", processes: "/proc", patienceMs: 500 };

/** A socket that was staged: its directory, what it shows of its server's name, and the directory's name again. */
const stagedPath = /^(.*)\/(\.sp-[A-Za-z0-9]{6})\/(.*)\2$/;
const heldDirectory = /^\/proc\/self\/fd\/\d+$/;
const privateDirectory = /\/sealpipe-\d+$/;
/** Staged paths that long may have had no room for the whole name. */
const fullPathBytes = 100;

/** A process, as the system shows it. */
export interface HoldingProcess {
  readonly pid: number;
  /** What it calls itself, printable; empty if that is not known. */
  readonly name: string;
}

/**
 * Which process listens at `path`, such as `the process 4711 (node)`, if that can be found out: for people, and never
 * more than a guess. `undefined` if it is not known; never rejects.
 *
 * Platform: Linux, for processes that this user may inspect.
 */
export async function holderOf(path: string, table = linux): Promise<string | undefined> {
  try {
    const inodes = inodesAt(path, await listeningSockets(table.socketTable));
    const inode = inodes.length === 1 ? inodes[0] : undefined;
    const holder = inode && (await holdersOf(new Set([inode]), table)).get(inode);
    return holder && `the process ${holder.pid}${holder.name && ` (${holder.name})`}`;
  } catch {
    return undefined;
  }
}

/** The inodes of the sockets that may be the one at `path`: several if more than one fits. */
export function inodesAt(path: string, sockets: readonly ListedSocket[]): string[] {
  const candidates = sockets.filter((socket) => socket.path === path || wasStagedFor(socket.path, path));
  return [...new Set(candidates.map(({ inode }) => inode))];
}

/** Where a sealpipe server whose socket was bound at that path shows it, and its name, of which long ones lack the end. */
export function stagedFor(bound: string): { readonly directory: string; readonly name: string } | undefined {
  const [, directory, , name] = stagedPath.exec(bound) ?? [];
  return directory === undefined || name === undefined ? undefined : { directory, name };
}

function wasStagedFor(bound: string, path: string): boolean {
  const staged = stagedFor(bound);
  if (staged === undefined || !isSameDirectory(staged.directory, dirname(path))) return false;
  const shown = staged.name;
  const name = basename(path, ".sock");
  const isIt = shown === name || (bound.length >= fullPathBytes && name.startsWith(shown));
  // A socket that is still staged belongs to a server that is starting, such as this one.
  return isIt && !existsSync(bound);
}

/** A private directory is named by a descriptor, which is another in each process. */
function isSameDirectory(one: string, other: string): boolean {
  if (one === other) return true;
  return heldDirectory.test(one) && (heldDirectory.test(other) || privateDirectory.test(other));
}

/** The processes that have these sockets open, by inode, as far as this user may look and time allows. */
export async function holdersOf(
  inodes: ReadonlySet<string>,
  { processes, patienceMs }: ProcessTable = linux,
): Promise<Map<string, HoldingProcess>> {
  const until = Date.now() + patienceMs;
  const holders = new Map<string, HoldingProcess>();
  for (const pid of (await readdir(processes)).filter((entry) => /^\d+$/.test(entry))) {
    const descriptors = `${processes}/${pid}/fd`;
    // Another user's, or it has ended meanwhile.
    for (const descriptor of await readdir(descriptors).catch(() => [])) {
      if (holders.size === inodes.size || Date.now() > until) return holders;
      const target = await readlink(`${descriptors}/${descriptor}`).catch(() => "");
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (inode === undefined || !inodes.has(inode) || holders.has(inode)) continue;
      holders.set(inode, { pid: Number(pid), name: await nameOf(pid, processes) });
    }
  }
  return holders;
}

async function nameOf(pid: string, processes: string): Promise<string> {
  const name = await readFile(`${processes}/${pid}/comm`, "utf8").catch(() => "");
  // A process may call itself anything.
  return name.trim().replace(/[^\x20-\x7e]/g, "?");
}
