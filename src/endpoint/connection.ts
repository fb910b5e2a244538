import type { SealpipeError } from "../errors.ts";
import type { MessageContent } from "../protocol/message.ts";
import type { Profile } from "../protocol/profile.ts";
import type { Transport } from "../transport/transport.ts";
import { Endpoint, type EndpointEvents } from "./endpoint.ts";
import { closedError, type Inbox } from "./inbox.ts";
import { ConnectionMessage, type MessageData, toBytes } from "./message.ts";
import type { ParsedServerOptions } from "./options.ts";
import { type DriverHandler, SessionDriver } from "./session-driver.ts";
import { WriteGate } from "./write-gate.ts";

export interface ConnectionEvents extends EndpointEvents<ConnectionMessage> {
  /** It failed; `close` follows. */
  error: [error: SealpipeError];
}

/** The server that a connection belongs to. */
export interface ConnectionOwner {
  readonly options: ParsedServerOptions;
  /** Where messages go that are not asked of the connection itself. */
  readonly inbox: Inbox<ConnectionMessage>;
  opened(connection: Connection): void;
  /** It is over; in order where there is no error. */
  closed(connection: Connection, error?: SealpipeError): void;
  released(connection: Connection): void;
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
 *   for await (const { type, text } of connection) await connection.write(type, text.toUpperCase());
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
  readonly #owner: ConnectionOwner;
  readonly #driver: SessionDriver;
  readonly #gate: WriteGate;
  #opened: { readonly profile: Profile["name"]; readonly encrypted: boolean } | undefined;
  #claimed = false;
  #over = false;
  #released = false;

  /** @internal Connections are made by a server. */
  constructor(id: number, transport: Transport, owner: ConnectionOwner) {
    super();
    this.id = id;
    this.#owner = owner;
    this.#gate = new WriteGate(owner.options.maxQueuedBytes);
    this.#driver = new SessionDriver(transport, { ...owner.options, role: "server" }, this.#driverHandler());
    this.setStatus("connecting");
  }

  /** The protocol that is spoken: `"classic"` is golang-ipc's. */
  get profile(): Profile["name"] {
    return this.#opened?.profile ?? "classic";
  }

  /** Whether the wire is encrypted. */
  get encrypted(): boolean {
    return this.#opened?.encrypted ?? this.#owner.options.encryption;
  }

  /** Bytes that were written and have not left this process. */
  get queuedBytes(): number {
    return this.#driver.queuedBytes;
  }

  /**
   * Takes a message for this client. Nothing of `data` is needed after the call.
   *
   * Returns `undefined` while there is room, else a promise that settles once there is again, so that
   * `await connection.write(…)` is always right and a loop that never fills the queue pays for no promise.
   *
   * @param type 1 to 4294967295.
   * @param data Text (sent as UTF-8) or bytes, at most `maxMessageBytes`.
   * @throws CallerError `ERR_RESERVED_TYPE`, `ERR_TYPE_OUT_OF_RANGE`, `ERR_INVALID_ARGUMENT`, `ERR_MESSAGE_TOO_LARGE`,
   *   `ERR_CLOSED`, or `ERR_QUEUE_FULL` where the promises of earlier writes were not awaited.
   */
  write(type: number, data: MessageData): Promise<void> | undefined {
    const bytes = toBytes(data);
    this.#gate.checkRoom(this.queuedBytes);
    this.#driver.send(type, bytes);
    return this.#gate.roomAt(this.queuedBytes);
  }

  /**
   * Settles once everything written has left this process. That the peer has read it only an answer of its own tells.
   *
   * @throws PeerError what made the connection fail, or CallerError `ERR_CLOSED`.
   */
  flush(): Promise<void> {
    return this.#over ? Promise.reject(closedError()) : this.#gate.flushAt(this.queuedBytes);
  }

  /**
   * Ends the connection in order: what was written is sent first, reads that wait are rejected with `ERR_CLOSED`, what
   * was not read is dropped. Settles once it is closed, after `closeTimeoutMs` without progress at the latest; never
   * rejects.
   */
  close(): Promise<void> {
    if (!this.#over) this.setStatus("closing");
    this.inbox.end(undefined, "drop");
    this.#driver.close();
    return this.whenClosed;
  }

  /** Drops the connection at once, and what was written with it. Reads that wait are rejected with `error`. */
  destroy(error?: Error): void {
    this.inbox.end(error, "drop");
    if (this.#over) return;
    this.#driver.destroy();
    this.#end(error === undefined ? "closed" : "error", error ?? closedError());
  }

  /** @internal */
  start(): void {
    this.#driver.start();
  }

  /** @internal */
  protected override claim(): void {
    if (this.#claimed) return;
    this.#claimed = true;
    this.#owner.inbox.moveTo(this.inbox, this.#driver);
  }

  #driverHandler(): DriverHandler {
    return {
      opened: (event) => {
        this.#opened = event;
        this.setStatus("connected");
        this.#owner.opened(this);
      },
      message: (content) => this.#deliver(content),
      progressed: () => this.#gate.progressed(this.queuedBytes),
      closed: (error) => this.#closed(error),
      released: () => {
        this.#released = true;
        this.#finish();
      },
    };
  }

  #deliver({ type, data }: MessageContent): void {
    const message = new ConnectionMessage(type, data, this);
    const inbox = this.#claimed ? this.inbox : this.#owner.inbox;
    inbox.deliver(message, this.#driver);
  }

  #closed(error: SealpipeError | undefined): void {
    this.inbox.end(error, "keep");
    const orderly = this.status === "closing" ? "closed" : "disconnected";
    this.#end(error === undefined ? orderly : "error", error ?? closedError());
    if (error !== undefined) this.emitSafely("error", error);
    this.#owner.closed(this, error);
    this.#finish();
  }

  #end(status: "closed" | "disconnected" | "error", reason: Error): void {
    this.#over = true;
    this.#gate.fail(reason);
    this.setStatus(status);
  }

  #finish(): void {
    if (!this.#over || !this.#released) return;
    this.tellClosed();
    this.#owner.released(this);
  }
}
