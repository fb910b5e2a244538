import type { SealpipeError } from "../errors.ts";
import { checkMessage, type MessageContent } from "../protocol/message.ts";
import type { Profile } from "../protocol/profile.ts";
import type { Transport } from "../transport/transport.ts";
import { Endpoint, type EndpointEvents } from "./endpoint.ts";
import type { HandshakeTurns } from "./handshake-turns.ts";
import { closedError, type Inbox } from "./inbox.ts";
import { ConnectionMessage, type MessageData, toBytes } from "./message.ts";
import type { ParsedServerOptions } from "./options.ts";
import { ReadQuota } from "./read-quota.ts";
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
  readonly turns: HandshakeTurns;
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
  readonly #owner: ConnectionOwner;
  readonly #driver: SessionDriver;
  readonly #gate: WriteGate;
  readonly #quota: ReadQuota;
  #opened: { readonly profile: Profile["name"]; readonly encrypted: boolean } | undefined;
  #claimed = false;
  /** By a call of our side, not by the client. */
  #closedHere = false;
  #over = false;
  #released = false;

  /** @internal Connections are made by a server. */
  constructor(id: number, transport: Transport, owner: ConnectionOwner) {
    super();
    this.id = id;
    this.#owner = owner;
    this.#gate = new WriteGate(owner.options.maxQueuedBytes);
    this.#quota = new ReadQuota(owner.options.maxQueuedBytes);
    // Without encryption a handshake costs nothing worth a turn.
    const turns = owner.options.encryption ? owner.turns : undefined;
    const options = { ...owner.options, quota: this.#quota, turns, role: "server" } as const;
    this.#driver = new SessionDriver(transport, options, this.#driverHandler());
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
    return this.#over ? 0 : this.#driver.queuedBytes;
  }

  /**
   * Takes a message for this client. Nothing of `data` is needed after the call.
   *
   * Returns `undefined` while there is room, else a promise that settles once there is again, so that
   * `await connection.write(…)` is always right and a loop that never fills the queue pays for no promise. The promise
   * never rejects.
   *
   * What is written to a client that has left is dropped, as is what was on its way when it left: that it did not wait
   * for its answer is no error of the server's. `status` tells. One that has ended its side and still reads gets what
   * was written before, as long as it takes some of it every `closeTimeoutMs`.
   *
   * @param type 1 to 4294967295.
   * @param data Text (sent as UTF-8) or bytes, at most `maxMessageBytes`.
   * @throws CallerError `ERR_RESERVED_TYPE`, `ERR_TYPE_OUT_OF_RANGE`, `ERR_INVALID_ARGUMENT`, `ERR_MESSAGE_TOO_LARGE`,
   *   `ERR_CLOSED` after a `close` or `destroy` of ours, or `ERR_QUEUE_FULL` where the promises of earlier writes were
   *   not awaited.
   */
  write(type: number, data: MessageData): Promise<void> | undefined {
    if (this.#closedHere) throw closedError();
    const bytes = toBytes(data);
    if (!this.#driver.canSend) {
      checkMessage(type, bytes.length, this.#owner.options.maxMessageBytes);
      return undefined;
    }
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
    this.#closedHere = true;
    if (!this.#over) this.setStatus("closing");
    this.#dropUnread(undefined);
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
    this.#finish();
  }

  /** @internal Whether something that came by it waits to be read, here or at the server. */
  get hasUnread(): boolean {
    return !this.#quota.isEmpty;
  }

  /** @internal Drops it before its handshake is over, to make room for another. */
  evict(error: SealpipeError): void {
    this.#driver.destroy();
    this.#end("error", error);
    this.emitSafely("error", error);
    this.#finish();
  }

  /** @internal */
  start(): void {
    this.#driver.start();
  }

  /** @internal For its server too. */
  override setReferenced(referenced: boolean): void {
    if (!this.#closedHere) this.#driver.setReferenced(referenced);
  }

  /** @internal */
  protected override claim(): void {
    if (this.#claimed) return;
    this.#claimed = true;
    this.#owner.inbox.moveTo(this.inbox, this.#quota);
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
    inbox.deliver(message, this.#quota);
  }

  #closed(error: SealpipeError | undefined): void {
    this.inbox.end(error, "keep");
    const orderly = this.status === "closing" ? "closed" : "disconnected";
    this.#end(error === undefined ? orderly : "error", error ?? closedError());
    if (error !== undefined) this.emitSafely("error", error);
    this.#owner.closed(this, error);
    this.#finish();
  }

  #dropUnread(error: Error | undefined): void {
    this.inbox.end(error, "drop");
    this.#owner.inbox.drop(this.#quota);
  }

  #end(status: "closed" | "disconnected" | "error", reason: Error): void {
    this.#over = true;
    this.#gate.end(reason);
    this.setStatus(status);
  }

  #finish(): void {
    if (!this.#over || !this.#released) return;
    this.tellClosed();
    this.#owner.released(this);
  }
}
