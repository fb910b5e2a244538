import { type Server, type ServerOptions, startServer } from "../index.ts";
import { checkFunction, checkInteger, checkTimeOrNever } from "./option-checks.ts";
import { endOnce, endWhenAsked, outliveReaders } from "./process-end.ts";

/** Options of {@link daemon}: those of `startServer`, and how it ends. */
export interface DaemonOptions extends ServerOptions {
  /** How long it goes on without a client, in milliseconds. Default 60000; 0: for ever. */
  readonly idleTimeoutMs?: number | undefined;
  /** How long this process may take to end once it has begun to, in milliseconds; then it exits all the same. Default 5000. */
  readonly drainTimeoutMs?: number | undefined;
  /** Called when this process has to end, and waited for; the server is closed after it, and then the process exits. */
  readonly onEnd?: ((why: EndOfDaemon) => Promise<void> | void) | undefined;
}

/** Why a daemon ends. */
export interface EndOfDaemon {
  /** `"idle"`: it has no client any more. `"asked"`: a client has asked for a shutdown, or it got SIGTERM. */
  readonly by: "idle" | "asked";
  /** What the client said, if it asked. */
  readonly reason: string;
}

/**
 * Serves a name that several programs share, and ends the process when nobody needs it any more: after `idleTimeoutMs` without a client,
 * when a client asks by `shutdownServer`, or on SIGTERM. It goes on when the program that started it ends, and if nobody
 * reads its output.
 *
 * @param name As of `startServer`.
 * @throws As `startServer`: `ERR_ADDRESS_IN_USE` if there is one already.
 */
export async function daemon(name: string, options: DaemonOptions = {}): Promise<Server> {
  const { idleTimeoutMs = 60_000, drainTimeoutMs = 5_000, onEnd, ...serverOptions } = options;
  checkTimeOrNever("idleTimeoutMs", idleTimeoutMs);
  checkInteger("drainTimeoutMs", drainTimeoutMs);
  checkFunction("onEnd", onEnd);
  outliveReaders();
  const server = await startServer(name, serverOptions);
  const endInOrder = endOnce<EndOfDaemon>(server, { onEnd, exit: (_, code) => process.exit(code) });
  const end = (why: EndOfDaemon): Promise<void> => {
    setTimeout(() => process.exit(1), drainTimeoutMs);
    return endInOrder(why);
  };
  endWhenAsked(server, (reason) => end({ by: "asked", reason }));
  if (idleTimeoutMs > 0) whenIdle(server, idleTimeoutMs, () => void end({ by: "idle", reason: "" }));
  return server;
}

function whenIdle(server: Server, timeoutMs: number, end: () => void): void {
  let clients = 0;
  let timer = setTimeout(end, timeoutMs);
  server.on("connection", (connection) => {
    clients += 1;
    clearTimeout(timer);
    connection.once("close", () => {
      clients -= 1;
      if (clients === 0) timer = setTimeout(end, timeoutMs);
    });
  });
  server.once("close", () => clearTimeout(timer));
}
