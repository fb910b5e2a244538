import { readFile } from "node:fs/promises";

/** The kernel's state of a stream socket that is not connected: it listens, or is about to. */
const unconnected = "01";

/** A socket in the kernel's own table. */
export interface ListedSocket {
  /** Where it was bound. */
  readonly path: string;
  readonly inode: string;
}

/**
 * Whether, by the kernel's own table, some process has a listening socket that was bound at `path`; the socket itself
 * is not touched. `false` does not mean that there is none: a socket that was bound elsewhere and linked to `path` is
 * listed under its first path, and one in another network namespace is not listed.
 *
 * Platform: Linux. Elsewhere there is no such table and the result is `false`.
 */
export async function isListedAsListening(path: string, tablePath = "/proc/net/unix"): Promise<boolean> {
  return (await listeningSockets(tablePath)).some((socket) => socket.path === path);
}

/** All sockets for listening that were bound at a path. None if there is no such table. */
export async function listeningSockets(tablePath: string): Promise<ListedSocket[]> {
  let table: string;
  try {
    table = await readFile(tablePath, "utf8");
  } catch {
    return [];
  }
  return table.split("\n").flatMap((line) => {
    const [, , , , , state, inode = "", ...rest] = line.trim().split(/ +/);
    return state === unconnected && rest.length > 0 ? [{ path: rest.join(" "), inode }] : [];
  });
}
