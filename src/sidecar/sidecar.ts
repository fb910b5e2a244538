import { lstatSync, mkdirSync } from "node:fs";
import { type Server, type ServerOptions, SystemError, startServer } from "../index.ts";
import { decodeHandOver, type HandOver } from "./hand-over.ts";
import { Lease } from "./lease.ts";
import { checkFunction, checkInteger, checkUndecided } from "./option-checks.ts";
import { endOnce, endWhenAsked, outliveReaders } from "./process-end.ts";

/** Options of {@link sidecar}: those of `startServer` that the parent does not decide. */
export interface SidecarOptions
  extends Omit<
    ServerOptions,
    | "directory"
    | "encryption"
    | "fd"
    | "privateDirectory"
    | "profile"
    | "secret"
    | "secretFile"
    | "unmaskPermissions"
  > {
  /** How long the parent may take to hand over the channel's name, in milliseconds. Default 10000. */
  readonly handOverTimeoutMs?: number | undefined;
  /**
   * How long this process may take to end after its parent has ended, or has closed stdin, in milliseconds; then it is
   * killed. Default 5000.
   */
  readonly drainTimeoutMs?: number | undefined;
  /** Called when this process has to end, and waited for; the server is closed after it, and then the process exits. */
  readonly onEnd?: ((why: EndOfLease) => Promise<void> | void) | undefined;
}

/** Why a sidecar has to end. */
export interface EndOfLease {
  /** `"parent"`: the parent has ended, or has closed stdin. `"asked"`: it has asked for a shutdown, or sent SIGTERM. */
  readonly by: "parent" | "asked";
  /** What the parent said, if it asked. */
  readonly reason: string;
}

/** Options of a server that the parent decides. */
const decided: Record<Exclude<keyof ServerOptions, keyof SidecarOptions>, true> = {
  directory: true,
  encryption: true,
  fd: true,
  privateDirectory: true,
  profile: true,
  secret: true,
  secretFile: true,
  unmaskPermissions: true,
};

/**
 * In a process that `spawnSidecar` started: takes over the channel, and serves it. The process ends when its parent does, however that
 * ends, even if this event loop is blocked then: a thread of its own watches stdin, which belongs to the parent. When it has to
 * end, `onEnd` is called, the server is closed, and the process exits; what takes longer than `drainTimeoutMs` is cut short. What
 * this process has started itself ends with it, by SIGKILL to its process group.
 *
 * Platform: on Windows what this process has started itself is not ended with it, except for what Node has started without `detached`; and
 * this process has no console, so that a program for the console that it starts shows a window unless it is started with `windowsHide`.
 *
 * @throws SystemError `ERR_NO_PARENT` if the first line of stdin is no hand-over; as `startServer`; CallerError
 *   `ERR_INVALID_OPTION`.
 */
export async function sidecar(options: SidecarOptions = {}): Promise<Server> {
  const { handOverTimeoutMs = 10_000, drainTimeoutMs = 5_000, onEnd, ...serverOptions } = options;
  checkUndecided(serverOptions, decided, (name) => `${name} is decided by the parent`);
  checkInteger("handOverTimeoutMs", handOverTimeoutMs);
  checkInteger("drainTimeoutMs", drainTimeoutMs);
  checkFunction("onEnd", onEnd);
  outliveReaders();
  const lease = new Lease(drainTimeoutMs);
  try {
    const { name, directory, secret, group } = await handOverOf(lease, handOverTimeoutMs);
    lease.lastDeed = { directory, group };
    if (directory !== undefined) makePrivate(directory);
    const where = directory === undefined ? {} : { directory };
    const server = await startServer(name, { ...serverOptions, ...where, secret, profile: "native" });
    endWith(lease, server, onEnd);
    return server;
  } catch (error) {
    lease.release();
    throw error;
  }
}

async function handOverOf(lease: Lease, timeoutMs: number): Promise<HandOver> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`stdin had no line within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return decodeHandOver(await Promise.race([lease.line, late]));
  } catch (cause) {
    const why = (cause as Error).message;
    const message = `no parent has handed over a channel: ${why}; this program is started by spawnSidecar`;
    throw new SystemError("ERR_NO_PARENT", message, { cause });
  } finally {
    clearTimeout(timer);
  }
}

function endWith(lease: Lease, server: Server, onEnd: SidecarOptions["onEnd"]): void {
  const end = endOnce<EndOfLease>(server, {
    onEnd,
    // A parent that lives removes the directory, and ends what this process has started.
    exit: ({ by }, code) => (by === "parent" ? lease.end() : process.exit(code)),
  });
  endWhenAsked(server, (reason) => end({ by: "asked", reason }));
  void lease.ended.then(() => end({ by: "parent", reason: "" }));
}

/** One that this process's predecessor made will do. */
function makePrivate(directory: string): void {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const { uid, mode } = lstatSync(directory);
  if (uid === process.getuid?.() && (mode & 0o170_777) === 0o040_700) return;
  const message = `${directory} is not a directory of this user's alone`;
  throw new SystemError("ERR_ADDRESS_UNTRUSTED", message);
}
