import { readFile } from "node:fs/promises";

/** The kernel's state of a stream socket that is not connected: it listens, or is just about to. */
const unconnected = "01";

/**
 * Whether some process has a socket for listening that was bound at `path`, as the kernel's own table tells, without
 * touching the socket. `false` does not say that none has: one that was bound elsewhere and linked to `path` is listed
 * under its first path, and a process in another network namespace is not listed.
 *
 * Platform: Linux. Elsewhere there is no such table and the answer is `false`.
 */
export async function isListedAsListening(path: string, tablePath = "/proc/net/unix"): Promise<boolean> {
  let table: string;
  try {
    table = await readFile(tablePath, "utf8");
  } catch {
    return false;
  }
  return table.split("\n").some((line) => {
    const [, , , , , state, , ...rest] = line.trim().split(/ +/);
    return rest.join(" ") === path && state === unconnected;
  });
}
