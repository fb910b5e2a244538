import type { SealpipeError } from "../errors.ts";
import type { NativeOptions } from "../protocol/native/hello-exchange.ts";
import type { Connection } from "./connection.ts";
import type { HandshakeTurns } from "./handshake-turns.ts";
import type { Inbox } from "./inbox.ts";
import type { ConnectionMessage } from "./message.ts";
import type { ParsedServerOptions } from "./options.ts";
import type { ConnectionRequest } from "./request.ts";
import type { RequestHandlers } from "./request-handlers.ts";
import type { SessionOpened } from "./session-driver.ts";

/** The server that a connection belongs to. */
export interface ConnectionOwner {
  readonly options: ParsedServerOptions;
  /** Where messages go that are not asked of the connection itself. */
  readonly inbox: Inbox<ConnectionMessage>;
  readonly turns: HandshakeTurns;
  /** The server's handlers of requests. */
  readonly handlers: RequestHandlers<ConnectionRequest>;
  readonly resuming: Pick<NativeOptions, "resumable" | "store">;
  /** It had a turn for a costly step of its handshake. */
  tookTurn(connection: Connection): void;
  opened(connection: Connection): void;
  /** The client is one of an earlier connection, which is to go on by what this one has. */
  resumed(connection: Connection, event: SessionOpened): void;
  /** The client is gone and may come back. */
  detached(connection: Connection): void;
  /** More is kept for a client that is gone. */
  keepsMore(): void;
  /** It is over; in order where there is no error. */
  closed(connection: Connection, error?: SealpipeError): void;
  /** Its transport is gone, and it waits for its client to come back. */
  parted(connection: Connection): void;
  released(connection: Connection): void;
  /** Its client did something that the connection goes on after. */
  told(connection: Connection, error: SealpipeError): void;
}
