import type { ReadQuota } from "../reading/read-quota.ts";
import type { DriverHandler, EngineDriver, EngineOpened } from "./engine-driver.ts";

/** A connection whose handshake is over, and its driver. A client and a server's acceptor end with it alike. */
export type Established = EngineOpened & {
  readonly driver: EngineDriver;
  /** What the application has yet to read of what comes by it. */
  readonly quota: ReadQuota;
};

/** What happens to a connection once it is established. */
export type ConnectionHandler = Omit<DriverHandler, "opened" | "resume" | "tookTurn">;

/** Goes on with a connection. Called as it is established, before its first message. */
export type TakeOver<H = ConnectionHandler> = (established: Established) => H;
