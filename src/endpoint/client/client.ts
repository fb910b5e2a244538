import { PeerError, SealpipeError } from "../../errors.ts";
import type { NativePeer } from "../../protocol/native/options.ts";
import type { Address } from "../../transport/address.ts";
import { providerOf } from "../../transport/providers.ts";
import { isError } from "../../transport/system-errors.ts";
import type { ConnectionHandler, Established } from "../driver/established.ts";
import { Endpoint, type EndpointEvents } from "../endpoint.ts";
import { type Carried, Link } from "../link/link.ts";
import { type LostSession, lostSession } from "../link/lost-session.ts";
import { Message, type MessageData, toBytes } from "../messages/message.ts";
import { peerText } from "../options/native-options.ts";
import {
  addressOf,
  type ClientOptions,
  type ParsedClientOptions,
  parseClientOptions,
  type ReadOptions,
  type RequestOptions,
} from "../options/options.ts";
import { eitherOf } from "../reading/abort-listeners.ts";
import { closedError } from "../reading/inbox.ts";
import { ReadQuota } from "../reading/read-quota.ts";
import { type Answer, IncomingRequest, type RequestHandler } from "../requests/request.ts";
import { RequestHandlers } from "../requests/request-handlers.ts";
import { Shutdown } from "../shutdown.ts";
import type { Status } from "../status.ts";
import { ConnectionWaiters } from "./connection-waiters.ts";
import { Connector, type LostConnection, type Retry } from "./connector.ts";
import { isResumable } from "./reconnect.ts";

export interface ClientEvents extends EndpointEvents<Message> {
  /**
   * Something failed: the connection, a try to get it back, or the client for good. `status` tells which: while it is
   * `reconnecting` the client goes on. While it is `connected`, a message that waited is too large for the server, or a
   * listener let an error of the server's through.
   */
  error: [error: SealpipeError];
  /** The client is not connected, and pauses before it tries again. Each such pause is told, also if no server is there. */
  retrying: [retry: Retry];
  /**
   * The server no longer knows the session that a native client had, as it was restarted, say: these messages may have
   * arrived or not. Requests that wait for an answer are rejected with `ERR_SESSION_LOST`. What was not sent at all is
   * sent now. Where the client gives up instead, as its `status` tells, the last two do not hold.
   */
  "session-lost": [lost: LostSession];
}

/**
 * Connects to the server of that name. Resolves once connected; waits for a server that is not there yet.
 *
 * @param name As the server's.
 * @throws CallerError `ERR_INVALID_NAME`, `ERR_ADDRESS_TOO_LONG`, `ERR_INVALID_OPTION`.
 * @throws SystemError `ERR_CONNECT_TIMEOUT`, `ERR_CONNECT_FAILED`, `ERR_ADDRESS_UNTRUSTED`, `ERR_NO_RUNTIME_DIRECTORY`,
 *   `ERR_SECRET_FILE`.
 * @throws PeerError `ERR_ENCRYPTION_REQUIRED`, `ERR_VERSION_MISMATCH`, `ERR_AUTHENTICATION_FAILED`,
 *   `ERR_PEER_NOT_NATIVE`, or another failure of the handshake that trying again does not mend.
 *
 * @example
 * ```ts
 * import { startClient, startServer } from "sealpipe";
 *
 * await using server = await startServer("my-app");
 * await using client = await startClient("my-app", { connectTimeoutMs: 5000 });
 * await client.write(5, "Message from client");
 * const { type, text } = await server.read();
 * console.log(type, text); // 5 Message from client
 * ```
 */
export async function startClient(name: string, options?: ClientOptions): Promise<Client> {
  const parsed = parseClientOptions(options);
  const client = new Client(name, addressOf(name, parsed.directory, parsed.trust), parsed);
  await client.connect(parsed.signal);
  return client;
}

/**
 * The same without the wait: the client is there at once, `connecting`, for those who show its `status`, listen for its
 * `error` events, write what shall go out first, or close it before there is a server. If it cannot connect for good,
 * its `status` becomes `error` or `timeout`, with an `error` event, and what reads from it is rejected.
 *
 * @throws CallerError `ERR_INVALID_NAME`, `ERR_ADDRESS_TOO_LONG`, `ERR_INVALID_OPTION`.
 * @throws SystemError `ERR_NO_RUNTIME_DIRECTORY`.
 *
 * @example
 * ```ts
 * import { createClient, startServer } from "sealpipe";
 *
 * const client = createClient("my-app");
 * console.log(client.status); // connecting
 * await client.write(1, "hello");
 *
 * await using server = await startServer("my-app");
 * console.log((await server.read()).text, client.status); // hello connected
 * await client.close();
 * ```
 */
export function createClient(name: string, options?: ClientOptions): Client {
  const parsed = parseClientOptions(options);
  const client = new Client(name, addressOf(name, parsed.directory, parsed.trust), parsed);
  // Told by its status and an event.
  client.connect(parsed.signal).catch(() => {});
  return client;
}

/** A client that stays connected: when the server goes, it waits for it to come back. Made by {@link startClient} or {@link createClient}. */
export class Client extends Endpoint<Message, ClientEvents> {
  /** The name it was started with. */
  readonly name: string;
  /** Where it connects: the socket's path or the pipe's name. */
  readonly address: string;
  readonly #options: ParsedClientOptions;
  readonly #connector: Connector;
  readonly #link: Link<IncomingRequest>;
  readonly #handlers = new RequestHandlers<IncomingRequest>();
  readonly #stop = new AbortController();
  readonly #shutdown = new Shutdown();
  readonly #waiters = new ConnectionWaiters();
  #last: Established | undefined;
  #lastError: Error | undefined;
  /** It has ended, and not by a call of `close`. */
  #over = false;
  /** What made it end so, if anything did. */
  #failure: Error | undefined;

  /** @internal Use {@link startClient}. */
  constructor(name: string, address: Address, options: ParsedClientOptions) {
    super();
    this.name = name;
    this.address = address.path;
    this.#options = options;
    const quota = new ReadQuota(options.maxQueuedBytes);
    this.#link = new Link({
      ...options,
      quota,
      queuesOffline: true,
      keepsMore: () => {},
      handlers: this.#handlers,
      makeRequest: (content, abort) => new IncomingRequest(content, abort),
    });
    this.#connector = new Connector({
      address,
      options,
      provider: providerOf(address),
      quota,
      session: () => this.#link.native,
      lastServer: () => this.peer,
      retrying: (retry, isNews) => this.#retrying(retry, isNews),
    });
  }

  /** Why it is not connected: the failure of its last try, what its connection was lost by, or what made it end. */
  get lastError(): Error | undefined {
    return this.#lastError;
  }

  /** The protocol that is spoken, or was last: `"classic"` is golang-ipc's, `"native"` is sealpipe's own. */
  get profile(): "classic" | "native" {
    return this.#last?.profile ?? "classic";
  }

  /** Whether the wire is encrypted, or was when last connected. */
  get encrypted(): boolean {
    return this.#last?.encrypted ?? this.#options.encryption;
  }

  /** What a native server told of the process that it is in, or told last. */
  get peer(): NativePeer | undefined {
    return this.#last?.native?.peer;
  }

  /**
   * Bytes that were written and have not left this process or, with a native server, have not been read by it. A message
   * counts there, and while there is no connection, with some 70 bytes more than its data.
   */
  get queuedBytes(): number {
    return this.#link.queuedBytes;
  }

  /**
   * Takes a message for the server. Nothing of `data` is needed after the call. While the client reconnects, messages
   * wait for the connection, in order, unless `offlineQueue` is off.
   *
   * Returns `undefined` while there is room, else a promise that settles once there is again, so that
   * `await client.write(…)` is always right and a loop that never fills the queue pays for no promise. The promise never
   * rejects. While there is no connection it waits too, once a quarter of `maxQueuedBytes` is queued.
   *
   * On the classic wire nothing tells what the server has read: a message that was on its way when the connection broke
   * may or may not have arrived.
   *
   * @param type 1 to 4294967295.
   * @param data Text (sent as UTF-8) or bytes, at most `maxMessageBytes` of both ends.
   * @throws CallerError `ERR_RESERVED_TYPE`, `ERR_TYPE_OUT_OF_RANGE`, `ERR_INVALID_ARGUMENT`, `ERR_MESSAGE_TOO_LARGE`,
   *   `ERR_CLOSED`.
   * @throws PeerError `ERR_TOO_LARGE_FOR_PEER`; `ERR_QUEUE_FULL` if the server has let `maxQueuedBytes` wait and the promises
   *   of earlier writes were not awaited; `ERR_NOT_CONNECTED` if `offlineQueue` is off. The message was not taken. A
   *   listener need not catch these; other code that does not wait for its writes does, as in the recipe for a GUI.
   */
  write(type: number, data: MessageData): Promise<void> | undefined {
    if (this.#ended) throw closedError(this.#failure);
    const bytes = toBytes(data);
    if (!this.#options.offlineQueue && !this.#link.isConnected) throw notConnected();
    return this.#link.write(type, bytes);
  }

  /**
   * Settles once everything written has left this process or, with a native server, has been read by its application; waits
   * for the connection where there is none. That a classic server has read it only an answer of its own tells.
   *
   * @throws PeerError `ERR_CONNECTION_LOST` where a classic connection broke with something still to be sent,
   *   `ERR_SESSION_LOST` where a native server forgot the session, what else made it fail, or CallerError `ERR_CLOSED`.
   */
  flush(): Promise<void> {
    if (this.#ended) return Promise.reject(closedError(this.#failure));
    return this.#link.flush();
  }

  /**
   * Asks the server, and settles with its answer, whatever happens. While the client reconnects, requests wait for the
   * connection, unless `offlineQueue` is off.
   *
   * @param type 1 to 4294967295, as of messages; requests and messages have types of their own.
   * @param data Text (sent as UTF-8) or bytes, at most `maxMessageBytes` of both ends.
   * @throws RemoteError what its handler threw; PeerError `ERR_PEER_NOT_NATIVE` where the server is golang-ipc's,
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
    if (this.#ended) return Promise.reject(closedError(this.#failure));
    if (!this.#options.offlineQueue && !this.#link.isConnected) return Promise.reject(notConnected());
    return this.#link.request(type, data, options);
  }

  /**
   * Handles the server's requests of that type. Of a client that comes from {@link createClient}, add handlers at once, so
   * that they are there when the server asks.
   *
   * @returns Takes the handler away again.
   * @throws CallerError `ERR_RESERVED_TYPE`, `ERR_TYPE_OUT_OF_RANGE`, or `ERR_INVALID_ARGUMENT` where that type has one.
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
   * Handles the server's requests of each type that has no handler of its own, for taps, proxies and the like. The request's `type` tells
   * which it is.
   *
   * @returns Takes the handler away again.
   * @throws CallerError `ERR_INVALID_ARGUMENT` if there is one already.
   */
  handleAny(handler: RequestHandler): () => void {
    return this.#handlers.addForAny(handler);
  }

  /**
   * Resolves once the client is connected: at once if it is. Other than {@link startClient}, it can be asked for again
   * after a connection was lost.
   *
   * @throws SystemError `ERR_CONNECT_TIMEOUT` after `timeoutMs`, and the client goes on trying; what made the client
   *   fail; CallerError `ERR_CLOSED`, `ERR_INVALID_OPTION`; or the signal's reason.
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
    if (this.#ended) return Promise.reject(this.#failure ?? this.#shutdown.error ?? closedError());
    if (this.status === "connected") return Promise.resolve();
    return this.#waiters.wait(options, (timeoutMs) => this.#connector.timeoutError(timeoutMs));
  }

  /**
   * Ends the pause between two tries, for a person who would rather not wait: the next try is made now, and the pauses after
   * it are short again. Does nothing while the client is connected or a try is under way.
   *
   * @throws CallerError `ERR_CLOSED`: one that has ended does not come back. Make another.
   */
  reconnectNow(): void {
    if (this.#ended) throw closedError(this.#failure);
    this.#connector.tryNow();
  }

  /**
   * Ends the client in order: what was written is sent first, reads that wait are rejected with `ERR_CLOSED`, what was
   * not read is dropped. What waits for a connection that is not there is dropped too; `flush` first to wait for it.
   * Settles once it is closed: a peer gets `closeTimeoutMs` to take each tenth of what was written, and ten times that in
   * all. Never rejects.
   */
  close(): Promise<void> {
    if (this.#shutdown.begin()) void this.#close();
    return this.whenClosed;
  }

  /**
   * Drops the connection at once, and what was written with it. What waits for a message or a `flush` is rejected with
   * `error`, and the status becomes `error`; without one, `ERR_CLOSED` and `closed`. There is no `error` event.
   */
  destroy(error?: Error): void {
    this.#shutdown.destroyed(error);
    this.inbox.end(error, "drop");
    this.#link.driver?.destroy();
    void this.close();
    this.#connector.destroy();
  }

  /** @internal Once. Rejects where the client cannot connect; it is closed then. */
  async connect(signal: AbortSignal | undefined): Promise<void> {
    this.setStatus("connecting");
    const stop = signal && eitherOf(this.#stop.signal, signal);
    try {
      await this.#connector.establish(this.#takeOver, stop?.signal ?? this.#stop.signal);
    } catch (error) {
      // One that was closed meanwhile has not failed: its close says how it ends.
      if (!this.#shutdown.hasBegun) this.#fail(error);
      throw error;
    } finally {
      stop?.release();
    }
  }

  /** @internal */
  protected override shown(): Record<string, string | number | undefined> {
    const { address, profile, queuedBytes } = this;
    return { address, profile, peer: peerText(this.peer), queuedBytes };
  }

  /** @internal */
  protected override setReferenced(referenced: boolean): void {
    if (!this.#shutdown.hasBegun) this.#connector.setReferenced(referenced);
  }

  get #ended(): boolean {
    return this.#shutdown.hasBegun || this.#over;
  }

  async #close(): Promise<void> {
    this.inbox.end(undefined, "drop");
    if (this.#over) return;
    this.setStatus("closing");
    this.#waiters.end(this.#shutdown.error ?? closedError());
    this.#stop.abort(closedError());
    this.#link.driver?.close();
    // A close that nobody waits for any more is not one that is done.
    this.#connector.setReferenced(true);
    await this.#connector.whenReleased;
    this.#link.end(this.#shutdown.error ?? closedError());
    this.setStatus(this.#shutdown.status);
    this.tellClosed();
  }

  readonly #takeOver = (established: Established): Omit<ConnectionHandler, "released"> => {
    const { driver, session } = established;
    this.#last = established;
    this.#lastError = undefined;
    const carried = this.#link.attach(driver, session);
    this.setStatus("connected");
    this.#waiters.connected();
    if (carried !== undefined) this.#tellOf(carried, carried.wasResumable);
    this.#link.progressed();
    let wasUsed = false;
    return {
      message: ({ type, data, position }) => {
        wasUsed = true;
        this.inbox.deliver(new Message(type, data), this.#link, position);
      },
      request: (event) => this.#link.received(event),
      progressed: () => this.#link.progressed(),
      closed: (error) => this.#lost({ error, wasUsed }),
    };
  };

  #tellOf({ lostMessages, messageErrors }: Carried, lostSomething: boolean): void {
    if (lostSomething) this.emitSafely("session-lost", lostSession(lostMessages));
    for (const error of messageErrors) this.emitSafely("error", error);
  }

  #lost(lost: LostConnection): void {
    const { error } = lost;
    if (this.#shutdown.hasBegun) {
      this.#link.detach();
      if (error !== undefined) this.emitSafely("error", error);
      return;
    }
    this.#lastError = error ?? lostUnsent();
    if (!this.#options.retry) {
      this.#end(error);
      return;
    }
    let carried: Carried | undefined;
    if (this.#link.session?.isResumable && isResumable(error)) this.#link.detach();
    else carried = this.#link.lose(error ?? lostUnsent());
    this.setStatus("reconnecting");
    if (error !== undefined) this.emitSafely("error", error);
    if (carried !== undefined) this.#tellOf(carried, carried.lostMessages.length > 0);
    // What was queued may be gone, so there is room.
    this.#link.progressed();
    this.#connector.reestablish(lost, this.#takeOver, this.#stop.signal).catch((failure: unknown) => {
      if (!this.#shutdown.hasBegun) this.#fail(failure);
    });
  }

  #retrying(retry: Retry, isNews: boolean): void {
    if (retry.error !== undefined) this.#lastError = retry.error;
    if (isNews) this.emitSafely("error", retry.error);
    this.emitSafely("retrying", retry);
  }

  #fail(error: unknown): void {
    this.#end(isError(error) ? error : new Error("aborted", { cause: error }));
  }

  /** Without a failure the server has left in order. */
  #end(failure: Error | undefined): void {
    this.#over = true;
    this.#failure = failure;
    this.#lastError = failure ?? this.#lastError;
    this.inbox.end(failure, "keep");
    const lostMessages = this.#link.end(failure ?? lostUnsent());
    this.#waiters.end(failure ?? closedError());
    this.setStatus(statusAfter(failure));
    if (lostMessages.length > 0) this.emitSafely("session-lost", lostSession(lostMessages));
    if (failure instanceof SealpipeError) this.emitSafely("error", failure);
    void this.#connector.whenReleased.then(() => this.tellClosed());
  }
}

function statusAfter(failure: Error | undefined): Status {
  if (failure === undefined) return "disconnected";
  // The reason of a signal that the caller gave.
  if (!(failure instanceof SealpipeError)) return "closed";
  return failure.code === "ERR_CONNECT_TIMEOUT" ? "timeout" : "error";
}

function notConnected(): PeerError {
  return new PeerError("ERR_NOT_CONNECTED", "the client is not connected, and offlineQueue is off");
}

function lostUnsent(): PeerError {
  return new PeerError("ERR_CONNECTION_LOST", "the connection was lost before everything written had left");
}
