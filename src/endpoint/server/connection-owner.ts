import type { SealpipeError } from "../../errors.ts";
import type { NativeOptions } from "../../protocol/native/options.ts";
import type { EngineOpened } from "../driver/engine-driver.ts";
import type { HandshakeTurns } from "../driver/handshake-turns.ts";
import type { Message } from "../messages/message.ts";
import type { ParsedServerOptions } from "../options/options.ts";
import type { Inbox } from "../reading/inbox.ts";
import type { IncomingRequest } from "../requests/request.ts";
import type { RequestHandlers } from "../requests/request-handlers.ts";

/** The server that a connection belongs to: `C` is the connection, `M` its messages and `R` its requests. */
export interface ConnectionOwner<C, M extends Message, R extends IncomingRequest> {
  readonly options: ParsedServerOptions;
  /** Where messages go that are not asked of the connection itself. */
  readonly inbox: Inbox<M>;
  readonly turns: HandshakeTurns;
  /** The server's handlers of requests. */
  readonly handlers: RequestHandlers<R>;
  readonly resuming: Pick<NativeOptions, "resumable" | "store">;
  /** It had a turn for a costly step of its handshake. */
  tookTurn(connection: C): void;
  opened(connection: C): void;
  /** The client is one of an earlier connection, which is to go on by what this one has. */
  resumed(connection: C, event: EngineOpened): void;
  /** The client is gone and may come back. */
  detached(connection: C): void;
  /** More is kept for a client that is gone. */
  keepsMore(): void;
  /** It is over; in order where there is no error. */
  closed(connection: C, error?: SealpipeError): void;
  /** Its transport is gone, and it waits for its client to come back. */
  parted(connection: C): void;
  released(connection: C): void;
  /** Its client did something that the connection goes on after. */
  told(connection: C, error: SealpipeError): void;
}
