import { PeerError, type SealpipeError } from "../../errors.ts";
import { checkMessage, type MessageContent } from "../../protocol/message.ts";
import type { NativePeer } from "../../protocol/native/options.ts";
import type { NativeSession } from "../../protocol/native/session.ts";
import { isResumable } from "../client/reconnect.ts";
import { deaf, type EngineDriver } from "../driver/engine-driver.ts";
import type { ConnectionHandler, Established } from "../driver/established.ts";
import { Endpoint, type EndpointEvents } from "../endpoint.ts";
import { Link } from "../link/link.ts";
import { type LostSession, lostSession } from "../link/lost-session.ts";
import { Message, type MessageData, toBytes } from "../messages/message.ts";
import { peerText } from "../options/native-options.ts";
import type { RequestOptions, Slow } from "../options/options.ts";
import { closedError } from "../reading/inbox.ts";
import type { ReadQuota } from "../reading/read-quota.ts";
import { type Answer, IncomingRequest, type RequestHandler } from "../requests/request.ts";
import { RequestHandlers } from "../requests/request-handlers.ts";
import type { ConnectionHost } from "./connection-host.ts";

type Host = ConnectionHost<Connection, ConnectionMessage, ConnectionRequest>;

export interface ConnectionEvents extends EndpointEvents<ConnectionMessage> {
  /**
   * It failed: `close` follows, unless `status` is `reconnecting`, as then the client may come back. Or it goes on, as its
   * `status` tells: the client does not take messages as large as one that was written to it, or a listener of this
   * connection let an error of the client's through.
   */
  error: [error: SealpipeError];
  /** A native client did not come back in time: these messages may have arrived or not. `close` follows. */
  "session-lost": [lost: LostSession];
}

/**
 * A server's end of one client's connection.
 *
 * Its messages are the server's, for `server.read()` and the like, until someone asks this connection for them with
 * `read`, `for await` or a `message` listener: from then on they are its own.
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
  readonly #host: Host;
  readonly #quota: ReadQuota;
  readonly #link: Link<ConnectionRequest>;
  readonly #handlers: RequestHandlers<ConnectionRequest>;
  /** The one of now, or the last. */
  #established: Established;
  #claimed = false;
  #referenced = true;
  /** What was kept when the client went, besides what is queued and what is unread. */
  #keptBesides = 0;
  /** By a call of our side, not by the client. */
  #closedHere = false;
  #toldTooLarge = false;
  #skippedMessages = 0;
  /** Since it last had room. */
  #toldSkipping = false;
  #over = false;
  #released = false;

  /** @internal Connections are made by a server. */
  constructor(id: number, established: Established, host: Host) {
    super();
    this.id = id;
    this.#host = host;
    this.#established = established;
    this.#quota = established.quota;
    this.#handlers = new RequestHandlers(host.handlers);
    this.#link = new Link({
      ...host.options,
      quota: this.#quota,
      queuesOffline: false,
      keepsMore: () => host.keepsMore(),
      handlers: this.#handlers,
      makeRequest: (content, abort) => new ConnectionRequest(content, abort, this),
    });
    this.#link.attach(established.driver, established.session);
    this.setStatus("connected");
  }

  /** The protocol that is spoken: `"classic"` is golang-ipc's, `"native"` is sealpipe's own. */
  get profile(): "classic" | "native" {
    return this.#established.profile;
  }

  /** Whether the wire is encrypted. */
  get encrypted(): boolean {
    return this.#established.encrypted;
  }

  /** What a native client told of the process that it is in. */
  get peer(): NativePeer | undefined {
    return this.#established.native?.peer;
  }

  /**
   * Bytes that were written and have not left this process or, with a native client, have not been read by it. A message
   * counts there with some 70 bytes more than its data.
   */
  get queuedBytes(): number {
    return this.#over ? 0 : this.#link.queuedBytes;
  }

  /** Messages of broadcasts that were not written to this client, as `maxQueuedBytes` waited for it. */
  get skippedMessages(): number {
    return this.#skippedMessages;
  }

  /**
   * Takes a message for this client. Nothing of `data` is needed after the call.
   *
   * Returns `undefined` while there is room, else a promise that settles once there is again, so that
   * `await connection.write(…)` is always right and a loop that never fills the queue pays for no promise. The promise
   * never rejects.
   *
   * What a client does is never thrown here: an `error` event of the connection and of the server tells it.
   * - What is written to a client that has left is dropped, as is what was on its way when it left: that it did not wait
   *   for its answer is no error of the server's. `status` tells. One that has ended its side and still reads gets what
   *   was written before, as long as it takes it no more slowly than a `close` allows.
   * - A client that does not read while `maxQueuedBytes` are written to it is dropped, with `ERR_QUEUE_FULL`.
   * - A message larger than the client's `maxMessageBytes` is dropped, and the connection goes on. The first such message
   *   of a connection is told, with `ERR_TOO_LARGE_FOR_PEER`, and the further ones are not, so that no client fills a log.
   *
   * @param type 1 to 4294967295.
   * @param data Text (sent as UTF-8) or bytes, at most `maxMessageBytes`.
   * @throws CallerError `ERR_RESERVED_TYPE`, `ERR_TYPE_OUT_OF_RANGE`, `ERR_INVALID_ARGUMENT`, `ERR_MESSAGE_TOO_LARGE`, or
   *   `ERR_CLOSED` after a `close` or `destroy` of ours.
   */
  write(type: number, data: MessageData): Promise<void> | undefined {
    if (this.#closedHere) throw closedError();
    return this.send(type, toBytes(data));
  }

  /**
   * Settles once everything written has left this process or, with a native client, has been read by its application. That
   * a classic one has read it only an answer of its own tells.
   *
   * @throws PeerError what made the connection fail, or CallerError `ERR_CLOSED`.
   */
  flush(): Promise<void> {
    if (this.#over) return Promise.reject(closedError());
    return this.#link.flush();
  }

  /**
   * Asks the client, and settles with its answer, whatever happens.
   *
   * @param type 1 to 4294967295, as of messages; requests and messages have types of their own.
   * @param data Text (sent as UTF-8) or bytes, at most `maxMessageBytes`.
   * @throws RemoteError what its handler threw; PeerError `ERR_PEER_NOT_NATIVE`, `ERR_REQUEST_TIMEOUT`,
   *   `ERR_CONNECTION_LOST` where the client does not come back, `ERR_TOO_LARGE_FOR_PEER`, `ERR_QUEUE_FULL` if it lets
   *   `maxQueuedBytes` of requests wait; CallerError as `write`, `ERR_CLOSED` where the client has left; the signal's reason.
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
    if (this.#over || this.#closedHere) return Promise.reject(closedError());
    return this.#link.request(type, data, options);
  }

  /**
   * Handles the client's requests of that type, in place of the server's own handler.
   *
   * @returns Takes the handler away again.
   * @throws CallerError `ERR_RESERVED_TYPE`, `ERR_TYPE_OUT_OF_RANGE`, or `ERR_INVALID_ARGUMENT` where that type has one.
   */
  handle(type: number, handler: RequestHandler<ConnectionRequest>): () => void {
    return this.#handlers.add(type, handler);
  }

  /**
   * Handles the client's requests, in place of the server's `handleAny`, of each type that has no handler of its own, for taps, proxies and the like. The request's `type` tells
   * which it is.
   *
   * @returns Takes the handler away again.
   * @throws CallerError `ERR_INVALID_ARGUMENT` if there is one already.
   */
  handleAny(handler: RequestHandler<ConnectionRequest>): () => void {
    return this.#handlers.addForAny(handler);
  }

  /**
   * Ends the connection in order: what was written is sent first, reads that wait are rejected with `ERR_CLOSED`, what
   * was not read is dropped. Settles once it is closed: a peer gets `closeTimeoutMs` to take each tenth of what was
   * written, and ten times that in all. Never rejects.
   */
  close(): Promise<void> {
    this.#closedHere = true;
    if (!this.#over) this.setStatus("closing");
    this.#dropUnread(undefined);
    if (this.#isDetached) {
      this.giveUp(undefined);
      return this.whenClosed;
    }
    this.#driver.setReferenced(true);
    this.#driver.close();
    return this.whenClosed;
  }

  /**
   * Drops the connection at once, and what was written with it. What waits for a message or a `flush` is rejected with
   * `error`, and the status becomes `error`; without one, `ERR_CLOSED` and `closed`. There is no `error` event.
   */
  destroy(error?: Error): void {
    this.#closedHere = true;
    this.#dropUnread(error);
    if (this.#over) return;
    this.#driver.destroy();
    this.#end(error === undefined ? "closed" : "error", error ?? closedError());
    this.#host.closed(this);
    this.#finish();
  }

  /** @internal As `write`, but that what is written after a close of ours is dropped. */
  send(type: number, bytes: Uint8Array, slow: Slow = "drop"): Promise<void> | undefined {
    checkMessage(type, bytes.length, this.#host.options.maxMessageBytes);
    if (this.#closedHere || this.#over || !this.#link.canSend) return undefined;
    let room: Promise<void> | undefined;
    try {
      room = this.#link.write(type, bytes);
    } catch (error) {
      if (!(error instanceof PeerError)) throw error;
      if (slow === "skip" && error.code === "ERR_QUEUE_FULL") this.#skip(error);
      else this.#notTaken(error);
      return undefined;
    }
    if (room === undefined) this.#toldSkipping = false;
    return this.#over ? undefined : room;
  }

  /** @internal Whether something that came by it waits to be read, here or at the server. */
  get hasUnread(): boolean {
    return this.#quota.bytes > 0;
  }

  /** @internal */
  get session(): NativeSession | undefined {
    return this.#link.native;
  }

  /** @internal Whether its client may come back to it: one that we close is done with. */
  get mayBeResumed(): boolean {
    return !this.#closedHere && !this.#over;
  }

  /** @internal What is kept for the client, in bytes. */
  get keptBytes(): number {
    return this.queuedBytes + this.#quota.bytes + this.#keptBesides;
  }

  /** @internal The client is back: what it had before, if that seems to live, is to say and hear nothing more. */
  resume(established: Established): void {
    this.#driver.handler = deaf;
    this.#driver.destroy();
    this.#link.detach();
    this.#established = established;
    this.#released = false;
    this.#driver.setReferenced(this.#referenced);
    this.#link.attach(this.#driver, established.session);
    this.setStatus("connected");
    this.#link.progressed();
  }

  /** @internal The client does not come back. */
  giveUp(error: SealpipeError | undefined): void {
    if (this.#isDetached) this.#fail(error);
  }

  /** @internal */
  protected override shown(): Record<string, string | number | undefined> {
    const { id, profile, queuedBytes } = this;
    return { id, profile, peer: peerText(this.peer), queuedBytes };
  }

  /** @internal For its server too. */
  override setReferenced(referenced: boolean): void {
    this.#referenced = referenced;
    if (!this.#closedHere) this.#driver.setReferenced(referenced);
  }

  /** @internal */
  protected override tell(error: SealpipeError): void {
    this.emitSafely("error", error);
    this.#host.told(this, error);
  }

  /** @internal */
  protected override claim(): void {
    if (this.#claimed) return;
    this.#claimed = true;
    this.#host.inbox.moveTo(this.inbox, this.#link);
  }

  get #driver(): EngineDriver {
    return this.#established.driver;
  }

  get #isDetached(): boolean {
    return !this.#over && this.#link.driver === undefined;
  }

  #mayResume(error: SealpipeError | undefined): boolean {
    return !this.#closedHere && isResumable(error) && this.#link.session?.isResumable === true;
  }

  /** @internal Takes what comes by the connection that is established now. */
  get handler(): ConnectionHandler {
    return {
      message: ({ type, data, position }) => {
        const inbox = this.#claimed ? this.inbox : this.#host.inbox;
        inbox.deliver(new ConnectionMessage(type, data, this), this.#link, position);
      },
      request: (event) => this.#link.received(event),
      progressed: () => this.#link.progressed(),
      closed: (error) => this.#closed(error),
      released: () => {
        this.#released = true;
        if (this.#isDetached) this.#host.parted(this);
        this.#finish();
      },
    };
  }

  #closed(error: SealpipeError | undefined): void {
    if (this.#mayResume(error)) {
      this.#link.detach();
      this.#keptBesides = this.#link.native?.keptBytes ?? 0;
      this.setStatus("reconnecting");
      if (error !== undefined) this.emitSafely("error", error);
      // A listener may have ended it.
      if (this.#isDetached) this.#host.detached(this);
      return;
    }
    this.inbox.end(error, "keep");
    const orderly = this.status === "closing" ? "closed" : "disconnected";
    this.#end(error === undefined ? orderly : "error", error ?? closedError());
    if (error !== undefined) this.emitSafely("error", error);
    this.#host.closed(this, error);
    this.#finish();
  }

  /** It is not written to, as it reads too slowly. */
  #skip(error: PeerError): void {
    this.#skippedMessages += 1;
    if (this.#toldSkipping) return;
    this.#toldSkipping = true;
    this.tell(error);
  }

  /** The client does not take what is written to it. */
  #notTaken(error: PeerError): void {
    if (error.code !== "ERR_TOO_LARGE_FOR_PEER") {
      this.#driver.destroy();
      this.#fail(error);
      return;
    }
    if (this.#toldTooLarge) return;
    this.#toldTooLarge = true;
    this.tell(error);
  }

  #fail(error: SealpipeError | undefined): void {
    this.inbox.end(error, "keep");
    const lostMessages = this.#end(error === undefined ? "closed" : "error", error ?? closedError());
    if (lostMessages.length > 0) this.emitSafely("session-lost", lostSession(lostMessages));
    if (error !== undefined) this.emitSafely("error", error);
    this.#host.closed(this, error);
    this.#finish();
  }

  #dropUnread(error: Error | undefined): void {
    this.inbox.end(error, "drop");
    this.#host.inbox.drop(this.#link);
  }

  /** What was sent and not acknowledged. */
  #end(status: "closed" | "disconnected" | "error", reason: Error): readonly MessageContent[] {
    this.#over = true;
    const unacknowledged = this.#link.end(reason);
    this.setStatus(status);
    return unacknowledged;
  }

  #finish(): void {
    if (!this.#over || !this.#released) return;
    this.tellClosed();
    this.#host.released(this);
  }
}

/** A message that arrived at a server, with the connection that it came by. */
export class ConnectionMessage extends Message {
  /** Write to it to answer. */
  readonly connection: Connection;

  constructor(type: number, data: Uint8Array, connection: Connection) {
    super(type, data);
    this.connection = connection;
  }
}

/** What a client asks of a server. */
export class ConnectionRequest extends IncomingRequest {
  /** The connection that it came by. */
  readonly connection: Connection;

  constructor(
    content: Pick<Message, "type" | "data">,
    abort: { readonly signal: AbortSignal },
    connection: Connection,
  ) {
    super(content, abort);
    this.connection = connection;
  }
}
