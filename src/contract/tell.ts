import type { Client, Connection, SealpipeError, Server } from "../index.ts";

/** Whom an error concerns, besides the connection that it came up on. */
export interface Concerned {
  readonly endpoint: Client | Connection;
  readonly server: Server | undefined;
}

/** By `error` events, as the core tells what it goes on after. `bug`: of this program, which is not to stay unseen. */
export function tell({ endpoint, server }: Concerned, error: SealpipeError, bug: boolean): void {
  let heard = false;
  if (endpoint.listenerCount("error" as never) > 0) {
    heard = true;
    (endpoint as Connection).emit("error", error);
  }
  if (server !== undefined && server.listenerCount("error") > 0) {
    heard = true;
    server.emit("error", error, endpoint as Connection);
  }
  if (bug && !heard) process.emitWarning(error);
}
