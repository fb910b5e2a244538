import type { SealpipeError } from "../../errors.ts";
import type { Handlers } from "../handlers.ts";
import type { Message } from "../messages/message.ts";
import type { ParsedServerOptions } from "../options/parse-options.ts";
import type { Inbox } from "../reading/inbox.ts";
import type { IncomingRequest, RequestHandler } from "../requests/request.ts";
import type { Stream } from "../streams/stream.ts";
import type { StreamHandler } from "../streams/streams.ts";

/** What a connection needs of its server: `C` is the connection, `M` its messages, `R` its requests and `S` its streams. */
export interface ConnectionHost<C, M extends Message, R extends IncomingRequest, S extends Stream> {
  readonly options: ParsedServerOptions;
  /** For messages that are not read from the connection itself. */
  readonly inbox: Inbox<M>;
  /** The server's handlers of requests. */
  readonly handlers: Handlers<RequestHandler<R>>;
  /** What answers requests to the library itself. */
  readonly admin: { find(operation: number): RequestHandler<R> | undefined };
  /** The server's handlers of streams. */
  readonly streamHandlers: Handlers<StreamHandler<S>>;
  /** The connection is lost, and its client may come back. */
  detached(connection: C): void;
  /** More bytes are kept for a client without a connection. */
  keepsMore(): void;
  /** The connection is over; without an error, in order. */
  closed(connection: C, error?: SealpipeError): void;
  /** The connection's transport is gone, and it waits for its client to come back. */
  parted(connection: C): void;
  released(connection: C): void;
  /** The client caused an error after which the connection goes on. */
  told(connection: C, error: SealpipeError): void;
}
