import type { SealpipeError } from "../../errors.ts";
import type { Message } from "../messages/message.ts";
import type { ParsedServerOptions } from "../options/options.ts";
import type { Inbox } from "../reading/inbox.ts";
import type { IncomingRequest } from "../requests/request.ts";
import type { RequestHandlers } from "../requests/request-handlers.ts";

/** What a server offers its connections: `C` is the connection, `M` its messages and `R` its requests. */
export interface ConnectionHost<C, M extends Message, R extends IncomingRequest> {
  readonly options: ParsedServerOptions;
  /** For messages that are not asked of the connection itself. */
  readonly inbox: Inbox<M>;
  /** The server's handlers of requests. */
  readonly handlers: RequestHandlers<R>;
  /** The client is gone and may come back. */
  detached(connection: C): void;
  /** More is kept for a client that is gone. */
  keepsMore(): void;
  /** It is over; in order if there is no error. */
  closed(connection: C, error?: SealpipeError): void;
  /** Its transport is gone, and it waits for its client to come back. */
  parted(connection: C): void;
  released(connection: C): void;
  /** Its client did something that the connection goes on after. */
  told(connection: C, error: SealpipeError): void;
}
