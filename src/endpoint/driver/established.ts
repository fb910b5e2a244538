import type { ReadQuota } from "../reading/read-quota.ts";
import type { ConnectionHandler, EngineOpened } from "./driver-handler.ts";
import type { EngineDriver } from "./engine-driver.ts";

/**
 * A connection whose handshake is over, and its driver: the result of a client's connector and a server's acceptor.
 */
export type Established = EngineOpened & {
  readonly driver: EngineDriver;
  /** How much the application has yet to read of this connection's messages. */
  readonly quota: ReadQuota;
};

/** Takes a client's connection over. Called when it is established, before its first message. */
export type TakeOver = (established: Established) => Omit<ConnectionHandler, "released">;
