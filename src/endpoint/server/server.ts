import { captureRejectionSymbol } from "node:events";
import type { Duplex } from "node:stream";
import { SealpipeError, SystemError } from "../../errors.ts";
import { checkMessage } from "../../protocol/message.ts";
import type { Address } from "../../transport/address.ts";
import { DuplexTransport } from "../../transport/duplex-transport.ts";
import type { Listener, Transport, TransportProvider } from "../../transport/transport.ts";
import { AdminHandlers, type ShutdownHandler } from "../admin/admin-handlers.ts";
import { encodeDescription } from "../admin/description.ts";
import { clock } from "../clock.ts";
import { type About, channels } from "../diagnostics.ts";
import { Endpoint, type EndpointEvents } from "../endpoint.ts";
import { Handlers } from "../handlers.ts";
import type { Shown } from "../inspection.ts";
import { publishClosed } from "../life-cycle.ts";
import { type MessageData, toBytes } from "../messages/message.ts";
import { demandAuthentication } from "../options/authentication.ts";
import { type BroadcastOptions, parseBroadcastOptions } from "../options/call-options.ts";
import { derivedKey } from "../options/derived-key.ts";
import { selfOf } from "../options/native-options.ts";
import type { ParsedServerOptions } from "../options/parse-options.ts";
import { closedError } from "../reading/inbox.ts";
import type { RequestHandler } from "../requests/request.ts";
import { Shutdown } from "../shutdown.ts";
import type { ServerStats } from "../stats.ts";
import type { StreamHandler } from "../streams/handled-streams.ts";
import { Clients } from "./clients.ts";
import {
  Connection,
  ConnectionMessage,
  type ConnectionRequest,
  type ConnectionStream,
} from "./connection.ts";
import { SlowClients } from "./slow-clients.ts";

export interface ServerEvents extends EndpointEvents<ConnectionMessage> {
  /**
   * A client has connected: its handshake is over. A client that leaves at once may be a second server that starts
   * with this name, and checks in that way whether this one is alive.
   */
  connection: [connection: Connection];
  /**
   * A client's connection failed, or the client does not accept a message that was written to it, or a listener did
   * not catch an error that the client caused; or the socket failed, or lost its address. The server goes on.
   * Refusals of unsuitable clients, such as those without the secret, are reported once in ten seconds, with their
   * number.
   */
  error: [error: SealpipeError, connection: Connection | undefined];
}

/** A server with any number of clients. Created by `startServer`. */
export class Server extends Endpoint<ConnectionMessage, ServerEvents> {
  /** The name it was started with. */
  readonly name: string;
  /** The address: the socket's path or the pipe's name; `""` if it does not listen. */
  readonly address: string;
  readonly #about: About = { side: "server", endpoint: this };
  readonly #address: Address;
  readonly #options: ParsedServerOptions;
  readonly #handlers = new Handlers<RequestHandler<ConnectionRequest>>("requests");
  readonly #streamHandlers = new Handlers<StreamHandler<ConnectionStream>>("streams");
  readonly #admin: AdminHandlers<Connection, ConnectionRequest>;
  readonly #clients: Clients;
  /** Tracks clients that make a broadcast wait. */
  readonly #slowClients: SlowClients<Connection>;
  /**
   * Transports that were accepted before `startServer` has returned the server, to which the caller can then add
   * listeners.
   */
  readonly #waiting: Transport[] = [];
  readonly #shutdown = new Shutdown();
  #listener: Listener | undefined;
  #listeningSince = 0;

  /** @internal Use `startServer`. */
  constructor(name: string, address: Address, options: ParsedServerOptions) {
    super();
    this.name = name;
    this.address = address.path;
    this.#address = address;
    this.#options = options;
    this.#admin = new AdminHandlers({
      describe: () => this.#describe(),
      failed: (error, connection) => this[captureRejectionSymbol](error, "shutdown", connection),
    });
    this.#slowClients = new SlowClients(options.broadcastGraceMs);
    this.#clients = new Clients({
      about: this.#about,
      options,
      inbox: this.inbox,
      handlers: this.#handlers,
      streamHandlers: this.#streamHandlers,
      admin: this.#admin,
      emit: (event: string, ...args: unknown[]) => this.emitSafely(event, ...args),
    });
  }

  /** A copy of the list of clients that are connected, or may come back. */
  get connections(): readonly Connection[] {
    return this.#clients.connections;
  }

  /**
   * What all its clients' connections have sent, received, requested and handled so far. The cost grows with their
   * number.
   */
  stats(): ServerStats {
    return this.#clients.stats;
  }

  /**
   * Writes a message to every connected client. A client counts as connected from its `connection` event on, a moment
   * after the client itself knows. Returns `undefined` while all have room, else a promise that settles once all have
   * room again or are gone. A client that does not accept the message is treated as in {@link Connection.write}, and
   * the others notice nothing.
   *
   * After a client has had no room for `broadcastGraceMs`, broadcasts do not wait for it until it has read all that
   * was written to it. Once `maxQueuedBytes` wait for it, `slow` says what happens to it.
   *
   * @throws CallerError `ERR_RESERVED_TYPE`, `ERR_TYPE_OUT_OF_RANGE`, `ERR_INVALID_ARGUMENT`, `ERR_MESSAGE_TOO_LARGE`,
   *   `ERR_INVALID_OPTION`, `ERR_CLOSED`; then no client was written to.
   *
   * @example
   * ```ts
   * import { startClient, startServer } from "sealpipe";
   *
   * await using server = await startServer("my-app");
   * server.on("connection", ({ id }) => {
   *   server.broadcast(2, `client ${id} is here`);
   * });
   *
   * await using one = await startClient("my-app");
   * console.log((await one.read()).text); // client 1 is here
   * await using other = await startClient("my-app");
   * console.log((await one.read()).text); // client 2 is here
   * ```
   */
  broadcast(type: number, data: MessageData, options?: BroadcastOptions): Promise<void> | undefined {
    if (this.#shutdown.hasBegun) throw closedError();
    const bytes = toBytes(data);
    checkMessage(type, bytes.length, this.#options.maxMessageBytes);
    const { slow, except } = parseBroadcastOptions(options);
    const waits: Promise<void>[] = [];
    for (const connection of this.connections) {
      if (except?.has(connection)) continue;
      this.#slowClients.writing(connection);
      const room = connection.send(type, bytes, slow);
      const wait = slow === "wait" ? room : room && this.#slowClients.wait(connection, room);
      if (wait !== undefined) waits.push(wait);
    }
    return waits.length === 0 ? undefined : Promise.all(waits).then(() => {});
  }

  /**
   * Handles all clients' requests of that type, except those of connections that have a handler of their own for it.
   *
   * @returns A function that removes the handler.
   * @throws CallerError `ERR_RESERVED_TYPE`, `ERR_TYPE_OUT_OF_RANGE`, or `ERR_INVALID_ARGUMENT` if that type has a
   * handler.
   *
   * @example
   * ```ts
   * import { startClient, startServer } from "sealpipe";
   *
   * await using server = await startServer("my-app");
   * server.handle(1, async ({ text, connection, signal }) => {
   *   const response = await fetch(`data:,${text}`, { signal });
   *   return `${await response.text()} for client ${connection.id}`;
   * });
   *
   * await using client = await startClient("my-app");
   * console.log((await client.request(1, "tea")).text); // tea for client 1
   * ```
   */
  handle(type: number, handler: RequestHandler<ConnectionRequest>): () => void {
    return this.#handlers.add(type, handler);
  }

  /**
   * Handles all clients' requests of all types without a handler of their own, for taps, proxies and the like. The
   * request's `type` shows which type it is.
   *
   * @returns A function that removes the handler.
   * @throws CallerError `ERR_INVALID_ARGUMENT` if there is one already.
   *
   * @example
   * ```ts
   * import { startClient, startServer } from "sealpipe";
   *
   * await using server = await startServer("my-app");
   * server.handle(1, () => "the handler of type 1");
   * server.handleAny(({ type }) => `no handler of type ${type}`);
   *
   * await using client = await startClient("my-app");
   * console.log((await client.request(1, "")).text); // the handler of type 1
   * console.log((await client.request(7, "")).text); // no handler of type 7
   * ```
   */
  handleAny(handler: RequestHandler<ConnectionRequest>): () => void {
    return this.#handlers.addForAny(handler);
  }

  /**
   * Handles the clients' streams of that type. When the handler's promise settles, this end's direction ends; what it throws resets
   * the stream. At most `maxConcurrentStreams` of a client are open at a time; the stream's `connection` tells whose it is.
   *
   * @returns A function that removes the handler; calls of it that have begun go on.
   * @throws CallerError `ERR_RESERVED_TYPE`, `ERR_TYPE_OUT_OF_RANGE`, or `ERR_INVALID_ARGUMENT` if that type has one.
   */
  handleStream(type: number, handler: StreamHandler<ConnectionStream>): () => void {
    return this.#streamHandlers.add(type, handler);
  }

  /**
   * Handles all clients' streams of all types without a handler of their own, for taps, proxies and the like. The stream's
   * `type` shows which type it is.
   *
   * @returns A function that removes the handler; calls of it that have begun go on.
   * @throws CallerError `ERR_INVALID_ARGUMENT` if there is one already.
   */
  handleAnyStream(handler: StreamHandler<ConnectionStream>): () => void {
    return this.#streamHandlers.addForAny(handler);
  }

  /**
   * Lets clients ask this server to shut down, by `client.shutdownServer`. Without a call of this they get
   * `ERR_NOT_ALLOWED`. Any process that can connect may ask.
   *
   * @param handler Called once a client has its answer; what it does is the program's affair. While it runs, further
   *   requests to shut down begin nothing. If it throws an error that a client did not cause, that is thrown again from
   *   the event loop.
   * @returns A function that removes the handler.
   * @throws CallerError `ERR_INVALID_ARGUMENT` if there is one already.
   *
   * @example
   * ```ts
   * import { startClient, startServer } from "sealpipe";
   *
   * const server = await startServer("my-app");
   * server.allowShutdown(async ({ reason }) => {
   *   console.log(reason); // a new version is installed
   *   await server.close();
   * });
   *
   * const client = await startClient("my-app", { retry: false });
   * await client.shutdownServer("a new version is installed");
   * ```
   */
  allowShutdown(handler: ShutdownHandler<Connection>): () => void {
    return this.#admin.allowShutdown(handler);
  }

  /**
   * Lets clients ask what this server is, by `client.describe`. Without a call of this they get `ERR_NOT_ALLOWED`.
   *
   * @returns A function that forbids it again.
   */
  allowDescribe(): () => void {
    return this.#admin.allowDescribe();
  }

  /**
   * A key of 32 bytes that whoever has the channel's `secret` derives from it by the same label, for what passes beside its
   * connections. `undefined` without a secret.
   *
   * @param label 1 to 255 bytes of text. Those that begin with `sealpipe` are the library's own.
   * @throws CallerError `ERR_INVALID_ARGUMENT`
   *
   * @example
   * ```ts
   * import { startClient, startServer } from "sealpipe";
   *
   * const secret = "at both ends";
   * await using server = await startServer("my-app", { secret });
   * await using client = await startClient("my-app", { secret });
   * const [one, other] = [server.deriveKey("backups"), client.deriveKey("backups")];
   * console.log(one?.length, String(one) === String(other)); // 32 true
   * ```
   */
  deriveKey(label: string): Uint8Array | undefined {
    return derivedKey(this.#options.secret, label);
  }

  /**
   * Accepts a client at the other end of a duplex stream, however that came about: see `transport` of the client. From now on the
   * stream is the server's, which ends or destroys it with the connection. It is treated like one that came
   * by the address: a `connection` event follows, or an `error` event if the handshake fails, and the client counts
   * towards `maxConnections`. A native client resumes its session on another duplex.
   *
   * @param duplex A `Duplex` of `node:stream` that carries bytes, and that nobody reads or has destroyed or ended.
   * @throws CallerError `ERR_SECRET_REQUIRED` if the server has no secret and `authenticatedBy` does not refuse one;
   *   `ERR_INVALID_ARGUMENT` for anything but such a duplex; `ERR_CLOSED`. Then the duplex is left as it is.
   *
   * @example
   * ```ts
   * import { randomBytes } from "node:crypto";
   * import { once } from "node:events";
   * import { type AddressInfo, connect, createServer } from "node:net";
   * import { startClient, startServer } from "sealpipe";
   *
   * const secret = randomBytes(32);
   * await using server = await startServer("my-app", { listen: false, secret });
   * server.handle(1, ({ text }) => text.toUpperCase());
   * const tcp = createServer((socket) => server.accept(socket)).listen(0, "127.0.0.1");
   * await once(tcp, "listening");
   *
   * const { port } = tcp.address() as AddressInfo;
   * await using client = await startClient("my-app", { secret, transport: () => connect(port, "127.0.0.1") });
   * console.log((await client.request(1, "hello")).text); // HELLO
   * tcp.close();
   * ```
   */
  accept(duplex: Duplex): void {
    if (this.#shutdown.hasBegun) throw closedError();
    demandAuthentication(this.#options);
    this.#accept(new DuplexTransport(duplex));
  }

  /**
   * Stops listening, ends every connection in order and removes the socket. Settles once all is closed, and waits for
   * each peer as long as {@link Connection.close} does; never rejects. A second call waits for the first.
   */
  close(): Promise<void> {
    if (this.#shutdown.begin()) void this.#close();
    return this.whenClosed;
  }

  /**
   * Stops listening and drops every connection at once, as its own `destroy` does. Pending reads are rejected with
   * `error`, and the status becomes `error`; without an error these are `ERR_CLOSED` and `closed`. There is no
   * `error` event.
   */
  destroy(error?: Error): void {
    this.#shutdown.destroyed(error);
    this.inbox.end(error, "drop");
    void this.close();
    this.#clients.destroy(error);
  }

  /** @internal */
  async listen(provider: TransportProvider | undefined): Promise<void> {
    this.#listener = await provider?.listen(this.#address, {
      openToAllUsers: this.#options.unmaskPermissions,
      fd: this.#options.fd,
      isAlive: async (address) => (await import("./liveness.ts")).isServerAlive(address, provider),
      addressCheckIntervalMs: this.#options.addressCheckIntervalMs,
      accepted: (transport) => this.#accept(transport),
      failed: (error) => this.emitSafely("error", listenerFailed(error), undefined),
    });
    this.#listeningSince = clock.now();
    if (channels.listening.hasSubscribers)
      channels.listening.publish({ ...this.#about, address: this.address });
    this.setStatus("listening");
    for (const transport of this.#waiting.splice(0)) this.#accept(transport);
  }

  /** @internal */
  protected override shown(): Shown {
    return { address: this.address, connections: this.connections.length };
  }

  /** @internal */
  protected override setReferenced(referenced: boolean): void {
    this.#listener?.setReferenced(referenced);
    this.#clients.setReferenced(referenced);
  }

  /** @internal */
  protected override tell(error: SealpipeError, about: unknown): void {
    const connection = about instanceof ConnectionMessage ? about.connection : about;
    this.emitSafely("error", error, connection instanceof Connection ? connection : undefined);
  }

  async #close(): Promise<void> {
    this.setStatus("closing");
    this.inbox.end(undefined, "drop");
    for (const transport of this.#waiting.splice(0)) transport.destroy();
    // First of all: a golang-ipc client reconnects at once, and gives up for ever if it is accepted and then dropped.
    await this.#stopListening();
    await this.#clients.close();
    this.setStatus(this.#shutdown.status);
    publishClosed(this.#about, this.status, this.#shutdown.error);
    this.tellClosed();
  }

  async #stopListening(): Promise<void> {
    try {
      await this.#listener?.close();
    } catch (error) {
      // The socket could not be removed, but nobody listens on it any more.
      this.emitSafely("error", listenerFailed(error as Error), undefined);
    }
  }

  #accept(transport: Transport): void {
    if (this.status === "not-connected") this.#waiting.push(transport);
    else if (this.#shutdown.hasBegun) transport.destroy();
    else this.#clients.accept(transport);
  }

  #describe(): string {
    const { codec, contracts } = this.#options;
    return encodeDescription({
      ...selfOf(this.#options),
      codec,
      contracts,
      requests: this.#handlers.types,
      streams: this.#streamHandlers.types,
      connections: this.connections.length,
      uptimeMs: Math.round(clock.now() - this.#listeningSince),
    });
  }
}

function listenerFailed(cause: Error): SealpipeError {
  if (cause instanceof SealpipeError) return cause;
  return new SystemError("ERR_LISTEN_FAILED", `the listener failed: ${cause.message}`, { cause });
}
