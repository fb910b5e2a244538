import { readFile } from "node:fs/promises";

/** `SO_ACCEPTCON` in the kernel's flags of a socket: it listens. */
const acceptsConnections = 0x10000;

/**
 * Whether some process listens on a socket that was bound at `path`, as the kernel's own table tells, without touching
 * the socket. `false` does not say that none does: one that was bound elsewhere and linked to `path` is listed under
 * its first path, and a process in another network namespace is not listed.
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
    const [, , , flags = "0", , , , ...rest] = line.trim().split(/ +/);
    return rest.join(" ") === path && (Number.parseInt(flags, 16) & acceptsConnections) !== 0;
  });
}
