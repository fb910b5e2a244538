import type { Duplex } from "node:stream";
import type { SealpipeError } from "../../errors.ts";
import type { NativePeer } from "../../protocol/native/options.ts";
import { adminOperations, maxAdminBytes } from "../../protocol/native/wire/admin.ts";
import { decodeDescription, type ServerDescription } from "../admin/description.ts";
import { Endpoint, type EndpointEvents } from "../endpoint.ts";
import { Handlers, invalidArgument } from "../handlers.ts";
import type { Shown } from "../inspection.ts";
import { Link } from "../link/link.ts";
import { linkLimits } from "../link/link-options.ts";
import type { LostSession } from "../link/lost-session.ts";
import { type Message, type MessageData, toBytes } from "../messages/message.ts";
import type { OpenStreamOptions, ReadOptions, RequestOptions } from "../options/call-options.ts";
import { derivedKey } from "../options/derived-key.ts";
import { peerText } from "../options/native-options.ts";
import type { ParsedClientOptions } from "../options/parse-options.ts";
import { ReadQuota } from "../reading/read-quota.ts";
import { type Answer, IncomingRequest, type RequestHandler } from "../requests/request.ts";
import type { EndpointStats } from "../stats.ts";
import type { StreamHandler } from "../streams/handled-streams.ts";
import { Stream } from "../streams/stream.ts";
import { ClientLife } from "./client-life.ts";
import type { Retry } from "./retries.ts";
import type { Route } from "./route.ts";

export interface ClientEvents extends EndpointEvents<Message> {
  /**
   * Something failed: the connection, a try to reconnect, or the client for good. `status` shows which: while it is
   * `reconnecting` the client goes on. While it is `connected`, a message that waited is too large for the server, or
   * a listener did not catch an error that the server caused.
   */
  error: [error: SealpipeError];
  /**
   * The client is not connected, and pauses before it tries again. There is an event for each pause, also if no
   * server is there.
   */
  retrying: [retry: Retry];
  /**
   * The server no longer has the session of a native client, for example because it was restarted: these messages may
   * or may not have arrived, and these streams were open. Requests that wait for an answer are rejected with
   * `ERR_SESSION_LOST`. What was not sent at all is sent now. If the client gives up instead, as its `status` shows, the
   * last two do not apply.
   */
  "session-lost": [lost: LostSession];
}

/**
 * A client that stays connected: when the server goes, the client waits for it to come back. Created by `startClient`
 * or `createClient`.
 */
export class Client extends Endpoint<Message, ClientEvents> {
  /** The name it was started with. */
  readonly name: string;
  /**
   * The address: the socket's path or the pipe's name; with the option `via` the command, and with `transport`
   * `"the transport"`.
   */
  readonly address: string;
  readonly #options: ParsedClientOptions;
  readonly #life: ClientLife;
  readonly #link: Link<IncomingRequest>;
  readonly #handlers = new Handlers<RequestHandler<IncomingRequest>>("requests");
  readonly #streamHandlers = new Handlers<StreamHandler>("streams");
  /** @internal Use `startClient`. */
  constructor(name: string, route: Route, options: ParsedClientOptions) {
    super();
    this.name = name;
    this.address = route.address.path;
    this.#options = options;
    const quota = new ReadQuota(options.maxQueuedBytes);
    this.#link = new Link({
      ...linkLimits(options),
      about: { side: "client", endpoint: this },
      quota,
      queuesOffline: true,
      keepsMore: () => {},
      handlers: this.#handlers,
      streamHandlers: this.#streamHandlers,
      makeStream: (start, wire) => new Stream(start, wire, this),
      makeRequest: (content, abort) => new IncomingRequest(content, abort),
    });
    this.#life = new ClientLife(this, this.#link, { route, options, quota });
  }

  /** Why it is not connected: the failure of its last try, of its connection, or the one that ended it. */
  get lastError(): Error | undefined {
    return this.#life.lastError;
  }

  /** The present protocol, or the last one: `"classic"` is golang-ipc's, `"native"` is sealpipe's own. */
  get profile(): "classic" | "native" {
    return this.#life.established?.profile ?? "classic";
  }

  /**
   * The duplex stream of the present connection, or of the last one, if `transport` made it; `undefined` for a socket. The
   * client owns it: look at it, but do not use it.
   */
  get duplex(): Duplex | undefined {
    return this.#life.established?.driver.duplex;
  }

  /**
   * A key of 32 bytes that whoever has the channel's `secret` derives from it by the same label, for what passes beside its
   * connections. `undefined` without a secret.
   *
   * @param label 1 to 255 bytes of text. Those that begin with `sealpipe` are the library's own.
   * @throws CallerError `ERR_INVALID_ARGUMENT`; PeerError `ERR_NOT_CONNECTED` while a `secretFile` is still to be read, which it
   *   is once the client has been connected.
   */
  deriveKey(label: string): Uint8Array | undefined {
    return derivedKey(this.#life.secret, label);
  }

  /** Whether the wire is encrypted, or was when last connected. */
  get encrypted(): boolean {
    return this.#life.established?.encrypted ?? this.#options.encryption;
  }

  /** What a native server declares about its process; without a connection, what the last one declared. */
  get peer(): NativePeer | undefined {
    return this.#life.established?.native?.peer;
  }

  /**
   * Bytes that were written and have not left this process or, with a native server, have not been read by it. With a
   * native server, and without a connection, a message counts as some 70 bytes more than its data.
   */
  get queuedBytes(): number {
    return this.#link.queuedBytes;
  }

  /** What it has sent, received, requested and handled so far, over all its connections. Copies some 20 numbers. */
  stats(): EndpointStats {
    return this.#link.stats;
  }

  /**
   * Queues a message for the server. `data` is not used after the call. While the client reconnects, messages wait
   * for the connection, in order, unless `offlineQueue` is off.
   *
   * Returns `undefined` while there is room, else a promise that settles once there is room again, so that `await
   * client.write(…)` is always right and a loop that never fills the queue creates no promise. The promise never
   * rejects. Without a connection it also waits, once a quarter of `maxQueuedBytes` is queued.
   *
   * On the classic wire the server acknowledges nothing: a message that was on its way when the connection broke may
   * or may not have arrived.
   *
   * @param type 1 to 4294967295.
   * @param data Text (sent as UTF-8) or bytes, at most `maxMessageBytes` of both ends.
   * @throws CallerError `ERR_RESERVED_TYPE`, `ERR_TYPE_OUT_OF_RANGE`, `ERR_INVALID_ARGUMENT`, `ERR_MESSAGE_TOO_LARGE`,
   *   `ERR_CLOSED`.
   * @throws PeerError `ERR_TOO_LARGE_FOR_PEER`; `ERR_QUEUE_FULL` if `maxQueuedBytes` wait and the promises of earlier
   * writes were not awaited; `ERR_NOT_CONNECTED` if there is no connection and `offlineQueue` is off. Then the
   * message was not queued. A listener need not catch these; other code that does not await its writes has to, as in
   * the recipe for a GUI.
   */
  write(type: number, data: MessageData): Promise<void> | undefined {
    const { refusal } = this.#life;
    if (refusal !== undefined) throw refusal;
    return this.#link.write(type, toBytes(data));
  }

  /**
   * Settles once everything written has left this process or, with a native server, has been read by its application;
   * waits for a connection if there is none. Only an answer of its own shows that a classic server has read it.
   *
   * @throws PeerError `ERR_CONNECTION_LOST` if a classic connection broke with something still to be sent,
   * `ERR_SESSION_LOST` if a native server no longer has the session, any other failure of the client, or CallerError
   * `ERR_CLOSED`.
   */
  flush(): Promise<void> {
    const { ending } = this.#life;
    return ending === undefined ? this.#link.flush() : Promise.reject(ending);
  }

  /**
   * Sends a request to the server. The promise always settles. While the client reconnects, requests wait for the
   * connection, unless `offlineQueue` is off.
   *
   * @param type 1 to 4294967295, as for messages; the types of requests and messages are separate.
   * @param data Text (sent as UTF-8) or bytes, at most `maxMessageBytes` of both ends.
   * @throws RemoteError what its handler threw; PeerError `ERR_PEER_NOT_NATIVE` if the server is golang-ipc's,
   *   `ERR_REQUEST_TIMEOUT`, `ERR_SESSION_LOST`, or as `write`; CallerError as `write`; the signal's reason.
   *
   * @example
   * ```ts
   * import { startClient, startServer } from "sealpipe";
   *
   * await using server = await startServer("my-app");
   * server.handle(1, ({ text }) => `you asked: ${text}`);
   *
   * await using client = await startClient("my-app");
   * const answer = await client.request(1, "why?", { timeoutMs: 1000 });
   * console.log(answer.text); // you asked: why?
   * ```
   */
  request(type: number, data: MessageData, options?: RequestOptions): Promise<Answer> {
    const { refusal } = this.#life;
    return refusal === undefined ? this.#link.request(type, data, options) : Promise.reject(refusal);
  }

  /**
   * Asks the server what it is. It answers if its application has called `server.allowDescribe`.
   *
   * @throws RemoteError `ERR_NOT_ALLOWED`; PeerError `ERR_PEER_NOT_NATIVE`, `ERR_PEER_WITHOUT_ADMIN` if its library cannot
   *   answer, `ERR_NOT_CONNECTED`, `ERR_DESCRIPTION_INVALID`, or as `request`; CallerError `ERR_CLOSED`, `ERR_INVALID_OPTION`;
   *   the signal's reason.
   *
   * @example
   * ```ts
   * import { startClient, startServer } from "sealpipe";
   *
   * await using server = await startServer("my-app", { application: "my-daemon" });
   * server.allowDescribe();
   *
   * await using client = await startClient("my-app");
   * const { application, connections } = await client.describe();
   * console.log(application, connections); // my-daemon 1
   * ```
   */
  async describe(options?: ReadOptions): Promise<ServerDescription> {
    return decodeDescription((await this.#ask(adminOperations.describe, "", options)).text);
  }

  /**
   * Asks the server to shut down. Resolves once it has agreed to, not once it is gone: `status` and `error` show that. It
   * agrees if its application has called `server.allowShutdown`.
   *
   * @param reason For the server's log: at most 1024 bytes of UTF-8. Default: none.
   * @throws As `describe`; CallerError `ERR_INVALID_ARGUMENT` for a reason that is too long, or no string.
   */
  async shutdownServer(reason = "", options?: ReadOptions): Promise<void> {
    await this.#ask(adminOperations.shutdown, reason, options);
  }

  /**
   * Handles the server's requests of that type. Add handlers right after `createClient`, so that they are there
   * before the server's first request.
   *
   * @returns A function that removes the handler.
   * @throws CallerError `ERR_RESERVED_TYPE`, `ERR_TYPE_OUT_OF_RANGE`, or `ERR_INVALID_ARGUMENT` if that type has a
   * handler.
   *
   * @example
   * ```ts
   * import { createClient, startServer } from "sealpipe";
   *
   * const client = createClient("my-app");
   * client.handle(1, () => `${process.pid}`);
   *
   * const server = await startServer("my-app");
   * server.on("connection", async (connection) => {
   *   const { text } = await connection.request(1, "your pid?");
   *   console.log(Number(text) === connection.peer?.pid); // true
   *   await client.close();
   *   await server.close();
   * });
   * ```
   */
  handle(type: number, handler: RequestHandler): () => void {
    return this.#handlers.add(type, handler);
  }

  /**
   * Handles the server's requests of all types without a handler of their own, for taps, proxies and the like. The
   * request's `type` shows which type it is.
   *
   * @returns A function that removes the handler.
   * @throws CallerError `ERR_INVALID_ARGUMENT` if there is one already.
   */
  handleAny(handler: RequestHandler): () => void {
    return this.#handlers.addForAny(handler);
  }

  /**
   * Opens a stream to the server. Resolves once it is open here; waits while the server has `maxConcurrentStreams` of this
   * client's open, and for the connection.
   *
   * @param type 1 to 4294967295, as of messages; streams have types of their own.
   * @param data What the server's handler gets with it: text (sent as UTF-8) or bytes, at most `maxMessageBytes` of both ends.
   * @throws PeerError `ERR_PEER_NOT_NATIVE`, `ERR_PEER_WITHOUT_STREAMS` if the server does not know of streams,
   *   `ERR_TOO_LARGE_FOR_PEER`, `ERR_NOT_CONNECTED` if `offlineQueue` is off; CallerError as `write`; or the signal's reason. A
   *   server that handles no streams of that type resets the stream with `ERR_NO_HANDLER`.
   */
  openStream(type: number, data: MessageData, options?: OpenStreamOptions): Promise<Stream> {
    const { refusal } = this.#life;
    return refusal === undefined ? this.#link.openStream(type, data, options) : Promise.reject(refusal);
  }

  /**
   * Handles the server's streams of that type. When the handler's promise settles, this end's direction ends; what it throws resets
   * the stream. At most `maxConcurrentStreams` are open at a time.
   *
   * @returns A function that removes the handler; calls of it that have begun go on.
   * @throws CallerError `ERR_RESERVED_TYPE`, `ERR_TYPE_OUT_OF_RANGE`, or `ERR_INVALID_ARGUMENT` if that type has one.
   */
  handleStream(type: number, handler: StreamHandler): () => void {
    return this.#streamHandlers.add(type, handler);
  }

  /**
   * Handles the server's streams of all types without a handler of their own, for taps, proxies and the like. The stream's
   * `type` shows which type it is.
   *
   * @returns A function that removes the handler; calls of it that have begun go on.
   * @throws CallerError `ERR_INVALID_ARGUMENT` if there is one already.
   */
  handleAnyStream(handler: StreamHandler): () => void {
    return this.#streamHandlers.addForAny(handler);
  }

  /**
   * Resolves once the client is connected: at once if it is. Unlike `startClient`, it can be called again after a
   * connection was lost.
   *
   * @throws SystemError `ERR_CONNECT_TIMEOUT` after `timeoutMs`, while the client goes on trying; the failure that
   * ended the client; CallerError `ERR_CLOSED`, `ERR_INVALID_OPTION`; or the signal's reason.
   *
   * @example
   * ```ts
   * import { createClient, startServer } from "sealpipe";
   *
   * const client = createClient("my-app");
   * await client.connected({ timeoutMs: 50 }).catch(({ code }) => console.log(code)); // ERR_CONNECT_TIMEOUT
   * console.log(client.status, client.lastError?.message.includes("no server is there")); // connecting true
   *
   * await using server = await startServer("my-app");
   * await client.connected();
   * console.log(client.status); // connected
   * await client.close();
   * ```
   */
  connected(options?: ReadOptions): Promise<void> {
    return this.#life.connected(options);
  }

  /**
   * Ends the pause between two tries, for a user who does not want to wait: the next try is made now, and the pauses
   * after it are short again. Does nothing while the client is connected or a try is under way.
   *
   * @throws CallerError `ERR_CLOSED` if the client has ended. Create another.
   */
  reconnectNow(): void {
    if (this.#life.ending !== undefined) throw this.#life.ending;
    this.#life.tryNow();
  }

  /**
   * Ends the client in order: what was written is sent first, pending reads are rejected with `ERR_CLOSED`, and
   * unread messages are dropped. Without a connection, messages that wait for one are dropped, too; call `flush`
   * first to wait for it. Settles once the client is closed: the peer has `closeTimeoutMs` to accept each tenth of
   * what was written, and ten times that in all. Never rejects.
   */
  close(): Promise<void> {
    this.#life.close();
    return this.whenClosed;
  }

  /**
   * Drops the connection at once, and everything queued with it. Pending reads and flushes are rejected with `error`,
   * and the status becomes `error`; without an error these are `ERR_CLOSED` and `closed`. There is no `error` event.
   */
  destroy(error?: Error): void {
    this.#life.destroy(error);
  }

  /** @internal Called once. Rejects if the client cannot connect; then the client is closed. */
  connect(signal: AbortSignal | undefined): Promise<void> {
    return this.#life.connect(signal);
  }

  /** @internal */
  protected override shown(): Shown {
    const { address, profile, queuedBytes } = this;
    return { address, profile, peer: peerText(this.peer), queuedBytes };
  }

  /** @internal */
  protected override setReferenced(referenced: boolean): void {
    this.#life.setReferenced(referenced);
  }

  async #ask(operation: number, text: string, options?: ReadOptions): Promise<Answer> {
    if (this.#life.ending !== undefined) throw this.#life.ending;
    const data = toBytes(text);
    if (data.length > maxAdminBytes) throw invalidArgument(`a reason has at most ${maxAdminBytes} bytes`);
    return this.#link.admin(operation, data, options);
  }
}
