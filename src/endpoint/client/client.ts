import type { Duplex } from "node:stream";
import { PeerError, SealpipeError } from "../../errors.ts";
import type { NativePeer } from "../../protocol/native/options.ts";
import { adminOperations, maxAdminBytes } from "../../protocol/native/wire/admin.ts";
import { isError } from "../../transport/system-errors.ts";
import { decodeDescription, type ServerDescription } from "../admin/description.ts";
import { type About, channels } from "../diagnostics.ts";
import type { ConnectionHandler } from "../driver/driver-handler.ts";
import type { Established } from "../driver/established.ts";
import { Endpoint, type EndpointEvents } from "../endpoint.ts";
import { Handlers, invalidArgument } from "../handlers.ts";
import type { Shown } from "../inspection.ts";
import { publishOpen, publishSessionLost } from "../life-cycle.ts";
import { type Carried, Link } from "../link/link.ts";
import { linkLimits } from "../link/link-options.ts";
import { isAnythingLost, type LostSession, sessionEnded } from "../link/lost-session.ts";
import { Message, type MessageData, toBytes } from "../messages/message.ts";
import type { OpenStreamOptions, ReadOptions, RequestOptions } from "../options/call-options.ts";
import { derivedKey } from "../options/derived-key.ts";
import { peerText } from "../options/native-options.ts";
import type { ParsedClientOptions } from "../options/parse-options.ts";
import { eitherOf } from "../reading/abort-listeners.ts";
import { closedError } from "../reading/inbox.ts";
import { ReadQuota } from "../reading/read-quota.ts";
import { type Answer, IncomingRequest, type RequestHandler } from "../requests/request.ts";
import { Shutdown } from "../shutdown.ts";
import type { EndpointStats } from "../stats.ts";
import type { Status } from "../status.ts";
import { Stream } from "../streams/stream.ts";
import type { StreamHandler } from "../streams/streams.ts";
import { ConnectionWaiters } from "./connection-waiters.ts";
import { Connector } from "./connector.ts";
import { isResumable } from "./reconnect.ts";
import type { LostConnection, Retry } from "./retries.ts";
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
  readonly #connector: Connector;
  readonly #link: Link<IncomingRequest>;
  readonly #handlers = new Handlers<RequestHandler<IncomingRequest>>("requests");
  readonly #streamHandlers = new Handlers<StreamHandler>("streams");
  readonly #stop = new AbortController();
  readonly #shutdown = new Shutdown();
  readonly #waiters = new ConnectionWaiters();
  readonly #about: About = { side: "client", endpoint: this };
  #last: Established | undefined;
  #lastError: Error | undefined;
  /** Set if the client ended without a call of `close`: the failure that ended it, if there was one. */
  #end: { readonly failure: Error | undefined } | undefined;

  /** @internal Use `startClient`. */
  constructor(name: string, route: Route, options: ParsedClientOptions) {
    super();
    this.name = name;
    this.address = route.address.path;
    this.#options = options;
    const quota = new ReadQuota(options.maxQueuedBytes);
    this.#link = new Link({
      ...linkLimits(options),
      about: this.#about,
      quota,
      queuesOffline: true,
      keepsMore: () => {},
      handlers: this.#handlers,
      streamHandlers: this.#streamHandlers,
      makeStream: (start, wire) => new Stream(start, wire, this),
      makeRequest: (content, abort) => new IncomingRequest(content, abort),
    });
    this.#connector = new Connector({
      ...route,
      options,
      quota,
      about: this.#about,
      session: () => this.#link.native,
      lastServer: () => this.peer,
      retrying: (retry, isNews) => this.#retrying(retry, isNews),
    });
  }

  /** Why it is not connected: the failure of its last try, of its connection, or the one that ended it. */
  get lastError(): Error | undefined {
    return this.#lastError;
  }

  /** The present protocol, or the last one: `"classic"` is golang-ipc's, `"native"` is sealpipe's own. */
  get profile(): "classic" | "native" {
    return this.#last?.profile ?? "classic";
  }

  /**
   * The duplex stream of the present connection, or of the last one, if `transport` made it; `undefined` for a socket. The
   * client owns it: look at it, but do not use it.
   */
  get duplex(): Duplex | undefined {
    return this.#last?.driver.duplex;
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
    return derivedKey(this.#connector.secret, label);
  }

  /** Whether the wire is encrypted, or was when last connected. */
  get encrypted(): boolean {
    return this.#last?.encrypted ?? this.#options.encryption;
  }

  /** What a native server declares about its process; without a connection, what the last one declared. */
  get peer(): NativePeer | undefined {
    return this.#last?.native?.peer;
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
    if (this.#ended) throw closedError(this.#end?.failure);
    const bytes = toBytes(data);
    if (!this.#options.offlineQueue && !this.#link.isConnected) throw notConnected();
    return this.#link.write(type, bytes);
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
    if (this.#ended) return Promise.reject(closedError(this.#end?.failure));
    return this.#link.flush();
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
    if (this.#ended) return Promise.reject(closedError(this.#end?.failure));
    if (!this.#options.offlineQueue && !this.#link.isConnected) return Promise.reject(notConnected());
    return this.#link.request(type, data, options);
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
   * Opens a stream to the server. Resolves once it is open here; waits while the server has
   * `maxConcurrentStreams` of this client's open, and for the connection.
   *
   * @param type 1 to 4294967295, as of messages; streams have types of their own.
   * @param data What the server's handler gets with it: text (sent as UTF-8) or bytes, at most `maxMessageBytes` of both ends.
   * @throws PeerError `ERR_PEER_NOT_NATIVE`, `ERR_PEER_WITHOUT_STREAMS` if the server does not know of streams,
   *   `ERR_TOO_LARGE_FOR_PEER`, `ERR_NOT_CONNECTED` if `offlineQueue` is off; CallerError as `write`; or the signal's reason. A
   *   server that handles no streams of that type
   *   resets the stream with `ERR_NO_HANDLER`.
   */
  openStream(type: number, data: MessageData, options?: OpenStreamOptions): Promise<Stream> {
    if (this.#ended) return Promise.reject(closedError(this.#end?.failure));
    if (!this.#options.offlineQueue && !this.#link.isConnected) return Promise.reject(notConnected());
    return this.#link.openStream(type, data, options);
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
    if (this.#ended) return Promise.reject(this.#end?.failure ?? this.#shutdown.error ?? closedError());
    if (this.status === "connected") return Promise.resolve();
    return this.#waiters.wait(options, (timeoutMs) => this.#connector.timeoutError(timeoutMs));
  }

  /**
   * Ends the pause between two tries, for a user who does not want to wait: the next try is made now, and the pauses
   * after it are short again. Does nothing while the client is connected or a try is under way.
   *
   * @throws CallerError `ERR_CLOSED` if the client has ended. Create another.
   */
  reconnectNow(): void {
    if (this.#ended) throw closedError(this.#end?.failure);
    this.#connector.tryNow();
  }

  /**
   * Ends the client in order: what was written is sent first, pending reads are rejected with `ERR_CLOSED`, and
   * unread messages are dropped. Without a connection, messages that wait for one are dropped, too; call `flush`
   * first to wait for it. Settles once the client is closed: the peer has `closeTimeoutMs` to accept each tenth of
   * what was written, and ten times that in all. Never rejects.
   */
  close(): Promise<void> {
    if (this.#shutdown.begin()) void this.#close();
    return this.whenClosed;
  }

  /**
   * Drops the connection at once, and everything queued with it. Pending reads and flushes are rejected with `error`,
   * and the status becomes `error`; without an error these are `ERR_CLOSED` and `closed`. There is no `error` event.
   */
  destroy(error?: Error): void {
    this.#shutdown.destroyed(error);
    this.inbox.end(error, "drop");
    this.#link.driver?.destroy();
    void this.close();
    this.#connector.destroy();
  }

  /** @internal Called once. Rejects if the client cannot connect; then the client is closed. */
  async connect(signal: AbortSignal | undefined): Promise<void> {
    this.setStatus("connecting");
    const stop = signal && eitherOf(this.#stop.signal, signal);
    try {
      await this.#connector.establish(this.#takeOver, stop?.signal ?? this.#stop.signal);
    } catch (error) {
      // A client that was closed meanwhile has not failed: its close determines how it ends.
      if (!this.#shutdown.hasBegun) this.#fail(error);
      throw error;
    } finally {
      stop?.release();
    }
  }

  /** @internal */
  protected override shown(): Shown {
    const { address, profile, queuedBytes } = this;
    return { address, profile, peer: peerText(this.peer), queuedBytes };
  }

  /** @internal */
  protected override setReferenced(referenced: boolean): void {
    if (!this.#shutdown.hasBegun) this.#connector.setReferenced(referenced);
  }

  get #ended(): boolean {
    return this.#shutdown.hasBegun || this.#end !== undefined;
  }

  async #close(): Promise<void> {
    this.inbox.end(undefined, "drop");
    if (this.#end !== undefined) return;
    this.setStatus("closing");
    this.#waiters.end(this.#shutdown.error ?? closedError());
    this.#stop.abort(closedError());
    this.#link.driver?.close();
    // A close must finish even if nobody awaits it.
    this.#connector.setReferenced(true);
    await this.#connector.whenReleased;
    this.#link.end(this.#shutdown.error ?? closedError());
    this.setStatus(this.#shutdown.status);
    this.#closed(this.#shutdown.error);
  }

  async #ask(operation: number, text: string, options?: ReadOptions): Promise<Answer> {
    if (this.#ended) throw closedError(this.#end?.failure);
    const data = toBytes(text);
    if (data.length > maxAdminBytes) throw invalidArgument(`a reason has at most ${maxAdminBytes} bytes`);
    return this.#link.admin(operation, data, options);
  }

  readonly #takeOver = (established: Established): Omit<ConnectionHandler, "released"> => {
    const { driver, session, native } = established;
    const ended = sessionEnded(native?.sessionEnded);
    this.#last = established;
    this.#lastError = undefined;
    const carried = this.#link.attach(driver, session, ended);
    publishOpen(this.#about, established);
    this.setStatus("connected");
    this.#waiters.connected();
    if (ended !== undefined) this.emitSafely("error", ended);
    if (carried !== undefined) this.#tellOf(carried, carried.wasResumable);
    this.#link.progressed();
    let wasUsed = false;
    return {
      message: ({ type, data, position }) => {
        wasUsed = true;
        this.#link.heard(type, data);
        this.inbox.deliver(new Message(type, data), this.#link, position);
      },
      request: (event) => this.#link.received(event),
      progressed: () => this.#link.progressed(),
      closed: (error) => this.#lost({ error, wasUsed }),
    };
  };

  #tellOf({ lost, messageErrors }: Carried, lostSomething: boolean): void {
    if (lostSomething) this.#tellLost(lost);
    for (const error of messageErrors) this.emitSafely("error", error);
  }

  #tellLost(lost: LostSession): void {
    publishSessionLost(this.#about, lost);
    this.emitSafely("session-lost", lost);
  }

  #lost(lost: LostConnection): void {
    const { error } = lost;
    if (channels.lost.hasSubscribers) channels.lost.publish({ ...this.#about, error });
    if (this.#shutdown.hasBegun) {
      this.#link.detach();
      if (error !== undefined) this.emitSafely("error", error);
      return;
    }
    this.#lastError = error ?? lostUnsent();
    if (!this.#options.retry) {
      this.#finish(error);
      return;
    }
    let carried: Carried | undefined;
    if (this.#link.session?.isResumable && isResumable(error)) this.#link.detach();
    else carried = this.#link.lose(error ?? lostUnsent());
    this.setStatus("reconnecting");
    if (error !== undefined) this.emitSafely("error", error);
    if (carried !== undefined) this.#tellOf(carried, isAnythingLost(carried.lost));
    // The queue may be gone, so there is room.
    this.#link.progressed();
    this.#connector.reestablish(lost, this.#takeOver, this.#stop.signal).catch((failure: unknown) => {
      if (!this.#shutdown.hasBegun) this.#fail(failure);
    });
  }

  #retrying(retry: Retry, isNews: boolean): void {
    if (retry.error !== undefined) this.#lastError = retry.error;
    if (channels.retrying.hasSubscribers) channels.retrying.publish({ ...this.#about, ...retry });
    if (isNews) this.emitSafely("error", retry.error);
    this.emitSafely("retrying", retry);
  }

  #closed(error: Error | undefined): void {
    if (channels.closed.hasSubscribers)
      channels.closed.publish({ ...this.#about, status: this.status, error });
    this.tellClosed();
  }

  #fail(error: unknown): void {
    this.#finish(isError(error) ? error : new Error("aborted", { cause: error }));
  }

  /** Without a failure, the server has closed in order. */
  #finish(failure: Error | undefined): void {
    this.#end = { failure };
    this.#lastError = failure ?? this.#lastError;
    this.inbox.end(failure, "keep");
    const lost = this.#link.end(failure ?? lostUnsent());
    this.#waiters.end(failure ?? closedError());
    this.setStatus(statusAfter(failure));
    if (isAnythingLost(lost)) this.#tellLost(lost);
    if (failure instanceof SealpipeError) this.emitSafely("error", failure);
    void this.#connector.whenReleased.then(() => this.#closed(failure));
  }
}

function statusAfter(failure: Error | undefined): Status {
  if (failure === undefined) return "disconnected";
  // The reason of the caller's signal.
  if (!(failure instanceof SealpipeError)) return "closed";
  return failure.code === "ERR_CONNECT_TIMEOUT" ? "timeout" : "error";
}

function notConnected(): PeerError {
  return new PeerError("ERR_NOT_CONNECTED", "the client is not connected, and offlineQueue is off");
}

function lostUnsent(): PeerError {
  return new PeerError("ERR_CONNECTION_LOST", "the connection was lost before everything written had left");
}
