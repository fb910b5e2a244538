import { lstatSync, readlinkSync, realpathSync } from "node:fs";
import { basename, dirname } from "node:path";
import { SealpipeError } from "../errors.ts";
import type { Address } from "./address.ts";
import { handedOver } from "./handed-over.ts";
import { addressInUse, listenFailed, listenNet } from "./net-transport.ts";
import { setReferenced } from "./referenced.ts";
import { listeningSockets } from "./socket-table.ts";
import { hasCode } from "./system-errors.ts";
import type { Listener, ListenOptions } from "./transport.ts";

/** Descriptors on which servers of this process listen. */
const taken = new Set<number>();

/**
 * Listens on a descriptor that somebody else has bound, whose file is theirs: it is neither checked nor removed nor restored.
 *
 * @returns `undefined` if systemd has handed over none.
 * @throws SystemError `ERR_LISTEN_FAILED` if it does not listen at the address, or other users may write to its file;
 *   `ERR_ADDRESS_IN_USE`.
 */
export async function listenInherited(
  address: Address,
  options: ListenOptions,
): Promise<Listener | undefined> {
  try {
    const given = options.fd === "systemd" ? handedOver() : [options.fd as number];
    if (given.length === 0) return undefined;
    const fd = await oneAt(address, given);
    checkMode(address, options);
    if (taken.has(fd)) throw addressInUse(address, `another server of this process has the descriptor ${fd}`);
    taken.add(fd);
    return await listenOn(fd, options).catch((error: unknown) => {
      taken.delete(fd);
      throw error;
    });
  } catch (error) {
    if (error instanceof SealpipeError) throw error;
    throw listenFailed(address, error);
  }
}

async function listenOn(fd: number, options: ListenOptions): Promise<Listener> {
  const server = await listenNet({ fd }, options);
  server.once("close", () => taken.delete(fd));
  if (server.address() !== null) {
    server.close();
    throw new Error(`the descriptor ${fd} is no Unix socket`);
  }
  return {
    close: async () => {
      server.close();
    },
    setReferenced: (referenced) => setReferenced(server, referenced),
  };
}

/** The descriptor that listens at the address. One of which the system does not show where it listens will do if it is the only one. */
async function oneAt({ path }: Address, given: readonly number[]): Promise<number> {
  if (process.platform !== "linux") return given[0] as number;
  const sockets = await listeningSockets("/proc/net/unix");
  const found = given.map((fd) => {
    const inode = inodeOf(fd);
    return { fd, path: sockets.find((socket) => socket.inode === inode)?.path };
  });
  const fitting = found.find((socket) => socket.path !== undefined && isSamePath(socket.path, path));
  const only = found.length === 1 && found[0]?.path === undefined ? found[0] : undefined;
  const one = fitting ?? only;
  if (one !== undefined) return one.fd;
  const where = found.map((socket) => socket.path ?? `the descriptor ${socket.fd}`).join(", ");
  throw new Error(`what was handed over listens at another path: ${where}`);
}

/** @throws Error if the descriptor is no socket */
function inodeOf(fd: number): string {
  let target = "";
  try {
    target = readlinkSync(`/proc/self/fd/${fd}`);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
  const [, inode] = /^socket:\[(\d+)\]$/.exec(target) ?? [];
  if (inode === undefined) throw new Error(`the descriptor ${fd} is no socket`);
  return inode;
}

/** `/var/run` is often a link to `/run`. */
function isSamePath(one: string, other: string): boolean {
  return one === other || (basename(one) === basename(other) && realDirectory(one) === realDirectory(other));
}

function realDirectory(path: string): string {
  try {
    return realpathSync(dirname(path));
  } catch {
    return dirname(path);
  }
}

const othersMayWrite = 0o022;

function checkMode({ path }: Address, { openToAllUsers }: ListenOptions): void {
  const mode = lstatSync(path, { throwIfNoEntry: false })?.mode ?? 0;
  if (openToAllUsers || (mode & othersMayWrite) === 0) return;
  throw new Error(
    `the mode of the socket that was handed over is 0${(mode & 0o777).toString(8)}, so that other users may connect: make` +
      " it 0600 (SocketMode= of systemd's unit), or set unmaskPermissions",
  );
}
