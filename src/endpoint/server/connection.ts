import type { Duplex } from "node:stream";
import { PeerError, type SealpipeError } from "../../errors.ts";
import { checkMessage } from "../../protocol/message.ts";
import type { NativePeer } from "../../protocol/native/options.ts";
import type { Established } from "../driver/established.ts";
import { Endpoint, type EndpointEvents } from "../endpoint.ts";
import { Handlers } from "../handlers.ts";
import type { Shown } from "../inspection.ts";
import { Link } from "../link/link.ts";
import { linkLimits } from "../link/link-options.ts";
import type { LostSession } from "../link/lost-session.ts";
import { Message, type MessageData, toBytes } from "../messages/message.ts";
import type { OpenStreamOptions, RequestOptions, Slow } from "../options/call-options.ts";
import { peerText } from "../options/native-options.ts";
import type { ParsedServerOptions } from "../options/parse-options.ts";
import { closedError } from "../reading/inbox.ts";
import { type Answer, IncomingRequest, type RequestHandler, type RequestStart } from "../requests/request.ts";
import type { EndpointStats } from "../stats.ts";
import type { StreamHandler } from "../streams/handled-streams.ts";
import { Stream, type StreamStart, type StreamWire } from "../streams/stream.ts";
import { ConnectionLife, type LifeHost } from "./connection-life.ts";

/** What a connection needs of its server. */
export interface ConnectionHost extends LifeHost<Connection> {
  readonly options: ParsedServerOptions;
  readonly handlers: Handlers<RequestHandler<ConnectionRequest>>;
  readonly streamHandlers: Handlers<StreamHandler<ConnectionStream>>;
  /** What answers requests to the library itself. */
  readonly admin: { find(operation: number): RequestHandler<ConnectionRequest> | undefined };
  /** More bytes are kept for a client without a connection. */
  keepsMore(): void;
  /** The client caused an error after which the connection goes on. */
  told(connection: Connection, error: SealpipeError): void;
}

export interface ConnectionEvents extends EndpointEvents<ConnectionMessage> {
  /**
   * The connection failed: `close` follows, unless `status` is `reconnecting`, because then the client may come back.
   * Or it goes on, as its `status` shows: the client does not accept messages as large as one that was written to it,
   * or a listener of this connection did not catch an error that the client caused.
   */
  error: [error: SealpipeError];
  /**
   * A native client did not come back in time: these messages may or may not have arrived, and these streams were open.
   * `close` follows.
   */
  "session-lost": [lost: LostSession];
}

/**
 * A server's end of one client's connection.
 *
 * Its messages go to the server's readers, `server.read()` and the like, until the program reads from this connection
 * with `read`, `for await` or a `message` listener: from then on they go only there.
 *
 * @example
 * ```ts
 * import { startClient, startServer } from "sealpipe";
 *
 * await using server = await startServer("my-app");
 * server.on("connection", async (connection) => {
 *   for await (const { type, text } of connection) {
 *     await connection.write(type, text.toUpperCase());
 *   }
 * });
 *
 * await using client = await startClient("my-app");
 * await client.write(1, "hello");
 * console.log((await client.read()).text); // HELLO
 * ```
 */
export class Connection extends Endpoint<ConnectionMessage, ConnectionEvents> {
  /** A number that no other connection of this server has. */
  readonly id: number;
  readonly #host: ConnectionHost;
  readonly #link: Link<ConnectionRequest, ConnectionStream>;
  readonly #handlers: Handlers<RequestHandler<ConnectionRequest>>;
  readonly #streamHandlers: Handlers<StreamHandler<ConnectionStream>>;
  /** @internal */
  readonly life: ConnectionLife<Connection>;
  #toldTooLarge = false;
  #skippedMessages = 0;
  /** Whether skipped messages have been reported since it last had room. */
  #toldSkipping = false;

  /** @internal Connections are made by a server. */
  constructor(id: number, established: Established, host: ConnectionHost) {
    super();
    this.id = id;
    this.#host = host;
    this.#handlers = new Handlers("requests", host.handlers);
    this.#streamHandlers = new Handlers("streams", host.streamHandlers);
    this.#link = new Link({
      ...linkLimits(host.options),
      about: { side: "server", endpoint: this },
      quota: established.quota,
      queuesOffline: false,
      keepsMore: () => host.keepsMore(),
      handlers: this.#handlers,
      admin: host.admin,
      streamHandlers: this.#streamHandlers,
      makeStream: (start, wire) => new ConnectionStream(start, wire, this),
      makeRequest: (content, abort) => new ConnectionRequest(content, abort, this),
    });
    this.life = new ConnectionLife(this, established, { host, link: this.#link });
    this.life.open();
  }

  /** The protocol: `"classic"` is golang-ipc's, `"native"` is sealpipe's own. */
  get profile(): "classic" | "native" {
    return this.life.established.profile;
  }

  /** Whether the wire is encrypted. */
  get encrypted(): boolean {
    return this.life.established.encrypted;
  }

  /**
   * The duplex stream of the present connection, or of the last one, if the server's `accept` was given it; `undefined`
   * for a socket. The connection owns it: look at it, but do not use it.
   */
  get duplex(): Duplex | undefined {
    return this.life.established.driver.duplex;
  }

  /** What a native client declares about its process. */
  get peer(): NativePeer | undefined {
    return this.life.established.native?.peer;
  }

  /**
   * Bytes that were written and have not left this process or, with a native client, have not been read by it. With a
   * native client a message counts as some 70 bytes more than its data.
   */
  get queuedBytes(): number {
    return this.life.isOver ? 0 : this.#link.queuedBytes;
  }

  /** Broadcast messages that were not written to this client, because `maxQueuedBytes` waited for it. */
  get skippedMessages(): number {
    return this.#skippedMessages;
  }

  /** What this end of the connection has sent, received, requested and handled so far. Copies some 20 numbers. */
  stats(): EndpointStats {
    return this.#link.stats;
  }

  /**
   * Queues a message for this client. `data` is not used after the call.
   *
   * Returns `undefined` while there is room, else a promise that settles once there is room again, so that
   * `await connection.write(…)` is always right and a loop that never fills the queue creates no promise. The promise never
   * rejects.
   *
   * An error that a client causes is never thrown here: an `error` event of the connection and of the server reports
   * it.
   * - What is written to a client that has left is dropped, as is what was on its way when it left: that a client did
   *   not wait for its answer is not an error of the server. `status` shows it. A client that has ended its side and
   *   still reads gets what was written before, as long as it reads no more slowly than a `close` allows.
   * - A client that does not read while `maxQueuedBytes` are written to it is dropped, with `ERR_QUEUE_FULL`.
   * - A message larger than the client's `maxMessageBytes` is dropped, and the connection goes on. Only the first
   *   such message of a connection is reported, with `ERR_TOO_LARGE_FOR_PEER`, so that no client fills a log.
   *
   * @param type 1 to 4294967295.
   * @param data Text (sent as UTF-8) or bytes, at most `maxMessageBytes`.
   * @throws CallerError `ERR_RESERVED_TYPE`, `ERR_TYPE_OUT_OF_RANGE`, `ERR_INVALID_ARGUMENT`,
   * `ERR_MESSAGE_TOO_LARGE`, or `ERR_CLOSED` after a `close` or `destroy` at this end.
   */
  write(type: number, data: MessageData): Promise<void> | undefined {
    if (this.life.endedHere) throw closedError();
    return this.send(type, toBytes(data));
  }

  /**
   * Settles once everything written has left this process or, with a native client, has been read by its application.
   * Only an answer of its own shows that a classic client has read it.
   *
   * @throws PeerError the failure of the connection, or CallerError `ERR_CLOSED`.
   */
  flush(): Promise<void> {
    if (this.life.isOver) return Promise.reject(closedError());
    return this.#link.flush();
  }

  /**
   * Sends a request to the client. The promise always settles.
   *
   * @param type 1 to 4294967295, as for messages; the types of requests and messages are separate.
   * @param data Text (sent as UTF-8) or bytes, at most `maxMessageBytes`.
   * @throws RemoteError what its handler threw; PeerError `ERR_PEER_NOT_NATIVE`, `ERR_REQUEST_TIMEOUT`,
   * `ERR_CONNECTION_LOST` if the client does not come back, `ERR_TOO_LARGE_FOR_PEER`, `ERR_QUEUE_FULL` if
   * `maxQueuedBytes` of requests wait for it; CallerError as `write`, `ERR_CLOSED` if the client has left; the
   * signal's reason.
   *
   * @example
   * ```ts
   * import { createClient, startServer } from "sealpipe";
   *
   * const client = createClient("my-app");
   * client.handle(1, ({ text }) => `${text} A client.`);
   *
   * const server = await startServer("my-app");
   * server.on("connection", async (connection) => {
   *   console.log((await connection.request(1, "Who is there?")).text); // Who is there? A client.
   *   await client.close();
   *   await server.close();
   * });
   * ```
   */
  request(type: number, data: MessageData, options?: RequestOptions): Promise<Answer> {
    if (this.life.isOver || this.life.endedHere) return Promise.reject(closedError());
    return this.#link.request(type, data, options);
  }

  /**
   * Handles the client's requests of that type, in place of the server's own handler.
   *
   * @returns A function that removes the handler.
   * @throws CallerError `ERR_RESERVED_TYPE`, `ERR_TYPE_OUT_OF_RANGE`, or `ERR_INVALID_ARGUMENT` if that type has a
   * handler.
   */
  handle(type: number, handler: RequestHandler<ConnectionRequest>): () => void {
    return this.#handlers.add(type, handler);
  }

  /**
   * Handles the client's requests of all types without a handler of their own, in place of the server's `handleAny`,
   * for taps, proxies and the like. The request's `type` shows which type it is.
   *
   * @returns A function that removes the handler.
   * @throws CallerError `ERR_INVALID_ARGUMENT` if there is one already.
   */
  handleAny(handler: RequestHandler<ConnectionRequest>): () => void {
    return this.#handlers.addForAny(handler);
  }

  /**
   * Opens a stream to the client. Resolves once it is open here; waits while the client has `maxConcurrentStreams` of this
   * end's open.
   *
   * @param type 1 to 4294967295, as of messages; streams have types of their own.
   * @param data What the client's handler gets with it: text (sent as UTF-8) or bytes, at most `maxMessageBytes` of both ends.
   * @throws PeerError `ERR_PEER_NOT_NATIVE`, `ERR_PEER_WITHOUT_STREAMS` if the client does not know of streams,
   *   `ERR_TOO_LARGE_FOR_PEER`; CallerError as `write`; or the signal's reason. A client that handles no streams of that type
   *   resets the stream with `ERR_NO_HANDLER`.
   */
  openStream(type: number, data: MessageData, options?: OpenStreamOptions): Promise<ConnectionStream> {
    if (this.life.isOver || this.life.endedHere) return Promise.reject(closedError());
    return this.#link.openStream(type, data, options);
  }

  /**
   * Handles the client's streams of that type, in place of the server's handler. When the handler's promise settles, this
   * end's direction ends; what it throws resets the stream. At most `maxConcurrentStreams` are open at a time.
   *
   * @returns A function that removes the handler; calls of it that have begun go on.
   * @throws CallerError `ERR_RESERVED_TYPE`, `ERR_TYPE_OUT_OF_RANGE`, or `ERR_INVALID_ARGUMENT` if that type has one.
   */
  handleStream(type: number, handler: StreamHandler<ConnectionStream>): () => void {
    return this.#streamHandlers.add(type, handler);
  }

  /**
   * Handles the client's streams of all types without a handler of their own, in place of the server's
   * `handleAnyStream`, for taps, proxies and the like. The stream's `type` shows which type it is.
   *
   * @returns A function that removes the handler; calls of it that have begun go on.
   * @throws CallerError `ERR_INVALID_ARGUMENT` if there is one already.
   */
  handleAnyStream(handler: StreamHandler<ConnectionStream>): () => void {
    return this.#streamHandlers.addForAny(handler);
  }

  /**
   * Ends the connection in order: what was written is sent first, pending reads are rejected with `ERR_CLOSED`, and
   * unread messages are dropped. Settles once it is closed: the peer has `closeTimeoutMs` to accept each tenth of
   * what was written, and ten times that in all. Never rejects.
   */
  close(): Promise<void> {
    this.life.close();
    return this.whenClosed;
  }

  /**
   * Drops the connection at once, and everything queued with it. Pending reads and flushes are rejected with `error`,
   * and the status becomes `error`; without an error these are `ERR_CLOSED` and `closed`. There is no `error` event.
   */
  destroy(error?: Error): void {
    this.life.destroy(error);
  }

  /** @internal Like `write`, but after a close at this end the message is dropped. */
  send(type: number, bytes: Uint8Array, slow: Slow = "drop"): Promise<void> | undefined {
    checkMessage(type, bytes.length, this.#host.options.maxMessageBytes);
    if (this.life.endedHere) return undefined;
    if (this.life.isOver || !this.#link.canSend) {
      this.#link.dropping();
      return undefined;
    }
    let room: Promise<void> | undefined;
    try {
      room = this.#link.write(type, bytes);
    } catch (error) {
      if (!(error instanceof PeerError)) throw error;
      this.#link.dropping();
      if (slow === "skip" && error.code === "ERR_QUEUE_FULL") this.#skip(error);
      else this.#notTaken(error);
      return undefined;
    }
    if (room === undefined) this.#toldSkipping = false;
    return this.life.isOver ? undefined : room;
  }

  /** @internal */
  protected override shown(): Shown {
    const { id, profile, queuedBytes } = this;
    return { id, profile, peer: peerText(this.peer), queuedBytes };
  }

  /** @internal Also called by its server. */
  override setReferenced(referenced: boolean): void {
    this.life.setReferenced(referenced);
  }

  /** @internal */
  makeMessage(type: number, data: Uint8Array): ConnectionMessage {
    return new ConnectionMessage(type, data, this);
  }

  /** @internal */
  protected override tell(error: SealpipeError): void {
    this.emitSafely("error", error);
    this.#host.told(this, error);
  }

  /** @internal */
  protected override claim(): void {
    this.life.claim();
  }

  /** The message is not written to the client, which reads too slowly. */
  #skip(error: PeerError): void {
    this.#skippedMessages += 1;
    if (this.#toldSkipping) return;
    this.#toldSkipping = true;
    this.tell(error);
  }

  /** The client does not accept what is written to it. */
  #notTaken(error: PeerError): void {
    if (error.code !== "ERR_TOO_LARGE_FOR_PEER") {
      this.life.drop(error);
      return;
    }
    if (this.#toldTooLarge) return;
    this.#toldTooLarge = true;
    this.tell(error);
  }
}

/** A message that arrived at a server, with its connection. */
export class ConnectionMessage extends Message {
  /** The connection on which it arrived; write to it to answer. */
  readonly connection: Connection;

  constructor(type: number, data: Uint8Array, connection: Connection) {
    super(type, data);
    this.connection = connection;
  }
}

/** A stream between a server and a client, with the connection that it belongs to. */
export class ConnectionStream extends Stream {
  readonly connection: Connection;

  /** @internal */
  constructor(start: StreamStart, wire: StreamWire, connection: Connection) {
    super(start, wire, connection);
    this.connection = connection;
  }
}

/** A request from a client to a server. */
export class ConnectionRequest extends IncomingRequest {
  /** The connection on which it arrived. */
  readonly connection: Connection;

  constructor(start: RequestStart, abort: { readonly signal: AbortSignal }, connection: Connection) {
    super(start, abort);
    this.connection = connection;
  }
}
