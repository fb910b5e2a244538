import { SealpipeError, SystemError } from "../../errors.ts";
import { checkMessage } from "../../protocol/message.ts";
import type { NativeSession } from "../../protocol/native/session.ts";
import type { Address } from "../../transport/address.ts";
import { providerOf } from "../../transport/providers.ts";
import type { Listener, Transport, TransportProvider } from "../../transport/transport.ts";
import type { ConnectionHandler, Established } from "../driver/established.ts";
import { Endpoint, type EndpointEvents } from "../endpoint.ts";
import { type MessageData, toBytes } from "../messages/message.ts";
import {
  addressOf,
  type BroadcastOptions,
  type ParsedServerOptions,
  parseServerOptions,
  parseSlow,
  type ServerOptions,
} from "../options/options.ts";
import { withSecret } from "../options/secret.ts";
import { closedError } from "../reading/inbox.ts";
import type { RequestHandler } from "../requests/request.ts";
import { RequestHandlers } from "../requests/request-handlers.ts";
import { Shutdown } from "../shutdown.ts";
import { Acceptor } from "./acceptor.ts";
import { AdmissionControl } from "./admission-control.ts";
import { Connection, ConnectionMessage, type ConnectionRequest } from "./connection.ts";
import type { ConnectionHost } from "./connection-host.ts";
import { Refusals } from "./refusals.ts";
import { ResumableConnections } from "./resumable-connections.ts";
import { SlowClients } from "./slow-clients.ts";

export interface ServerEvents extends EndpointEvents<ConnectionMessage> {
  /**
   * A client has connected: its handshake is over. One that leaves at once may be a second start of a server at this
   * name, which asks in that way whether this one is alive.
   */
  connection: [connection: Connection];
  /**
   * A client's connection failed, or does not take a message that was written to it, or a listener let an error of the
   * client's through; or the socket failed, or lost its address. The server goes on. Refusals of clients that do not fit, such
   * as those without the secret, are told once in ten seconds, with how many there were.
   */
  error: [error: SealpipeError, connection: Connection | undefined];
}

/**
 * Starts a server that clients find by `name`: `/tmp/<name>.sock`, or `\\.\pipe\<name>` on Windows. Resolves once it
 * listens. A socket that a killed server left behind is replaced; a server that is alive, another user's socket and what is
 * no socket are not.
 *
 * @param name Letters, digits, `.`, `_` and `-`; no `..`.
 * @throws CallerError `ERR_INVALID_NAME`, `ERR_ADDRESS_TOO_LONG`, `ERR_INVALID_OPTION`.
 * @throws SystemError `ERR_SECRET_FILE`, `ERR_ADDRESS_IN_USE`, `ERR_ADDRESS_UNTRUSTED`, `ERR_NO_RUNTIME_DIRECTORY`, `ERR_LISTEN_FAILED`.
 *
 * @example
 * ```ts
 * import { startClient, startServer } from "sealpipe";
 *
 * await using server = await startServer("my-app");
 * server.on("connection", async (connection) => {
 *   for await (const { type, text } of connection) {
 *     await connection.write(type, `you said: ${text}`);
 *   }
 * });
 *
 * await using client = await startClient("my-app");
 * await client.write(5, "hello");
 * console.log((await client.read()).text); // you said: hello
 * ```
 */
export async function startServer(name: string, options?: ServerOptions): Promise<Server> {
  const parsed = parseServerOptions(options);
  const address = addressOf(name, parsed.directory);
  const server = new Server(name, address, await withSecret(parsed));
  await server.listen(providerOf(address));
  return server;
}

/** A server with any number of clients. Made by {@link startServer}. */
export class Server extends Endpoint<ConnectionMessage, ServerEvents> {
  /** The name it was started with. */
  readonly name: string;
  /** Where it listens: the socket's path or the pipe's name. */
  readonly address: string;
  readonly #address: Address;
  readonly #options: ParsedServerOptions;
  readonly #handlers = new RequestHandlers<ConnectionRequest>();
  readonly #resumable: ResumableConnections;
  readonly #admission: AdmissionControl;
  readonly #acceptor: Acceptor;
  /** What each connection knows of this server. */
  readonly #host: ConnectionHost<Connection, ConnectionMessage, ConnectionRequest>;
  readonly #connections = new Set<Connection>();
  /** With clients that let a broadcast wait. */
  readonly #slowClients: SlowClients<Connection>;
  /** Accepted before whoever started us has a server to which to add listeners. */
  readonly #waiting: Transport[] = [];
  readonly #refusals = new Refusals();
  readonly #shutdown = new Shutdown();
  #listener: Listener | undefined;
  #lastId = 0;
  #referenced = true;

  /** @internal Use {@link startServer}. */
  constructor(name: string, address: Address, options: ParsedServerOptions) {
    super();
    this.name = name;
    this.address = address.path;
    this.#address = address;
    this.#options = options;
    this.#resumable = new ResumableConnections(options);
    this.#admission = new AdmissionControl(options);
    this.#slowClients = new SlowClients(options.broadcastGraceMs);
    this.#acceptor = this.#makeAcceptor();
    this.#host = this.#makeHost();
  }

  /** The clients that are connected now, or are waited for to come back, as a list of its own. */
  get connections(): readonly Connection[] {
    return [...this.#connections];
  }

  /**
   * Writes a message to every client that is connected, which is each from its `connection` event on: a client knows of
   * its connection a moment before the server does. Returns `undefined` while all have room, else a promise that
   * settles once all have room again or are gone. A client that does not take the message is dealt with as
   * {@link Connection.write} does, and the others notice nothing.
   *
   * A client that has had no room for `broadcastGraceMs` is not waited for any more until it has read all that was written
   * to it. Once `maxQueuedBytes` wait for it, `slow` says what becomes of it.
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
    const slow = parseSlow(options);
    const waits: Promise<void>[] = [];
    for (const connection of this.connections) {
      this.#slowClients.writing(connection);
      const room = connection.send(type, bytes, slow);
      const wait = slow === "wait" ? room : room && this.#slowClients.wait(connection, room);
      if (wait !== undefined) waits.push(wait);
    }
    return waits.length === 0 ? undefined : Promise.all(waits).then(() => {});
  }

  /**
   * Handles all clients' requests of that type, but for connections that have a handler of their own for it.
   *
   * @returns Takes the handler away again.
   * @throws CallerError `ERR_RESERVED_TYPE`, `ERR_TYPE_OUT_OF_RANGE`, or `ERR_INVALID_ARGUMENT` where that type has one.
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
   * Handles all clients' requests of each type that has no handler of its own, for taps, proxies and the like. The request's `type` tells
   * which it is.
   *
   * @returns Takes the handler away again.
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
   * Stops listening, ends every connection in order and removes the socket. Settles once all is closed, each peer being
   * waited for as by {@link Connection.close}; never rejects. A second call waits for the first.
   */
  close(): Promise<void> {
    if (this.#shutdown.begin()) void this.#close();
    return this.whenClosed;
  }

  /**
   * Stops listening and drops every connection at once, each as its own `destroy` does. Reads that wait are rejected
   * with `error`, and the status becomes `error`; without one, `ERR_CLOSED` and `closed`. There is no `error` event.
   */
  destroy(error?: Error): void {
    this.#shutdown.destroyed(error);
    this.inbox.end(error, "drop");
    void this.close();
    this.#acceptor.destroy();
    for (const connection of this.#all) connection.destroy(error);
  }

  /** @internal */
  async listen(provider: TransportProvider): Promise<void> {
    this.#listener = await provider.listen(this.#address, {
      openToAllUsers: this.#options.unmaskPermissions,
      isAlive: async (address) => (await import("./liveness.ts")).isServerAlive(address, provider),
      addressCheckIntervalMs: this.#options.addressCheckIntervalMs,
      accepted: (transport) => this.#accept(transport),
      failed: (error) => this.emitSafely("error", listenerFailed(error), undefined),
    });
    this.setStatus("listening");
    for (const transport of this.#waiting.splice(0)) this.#accept(transport);
  }

  /** @internal */
  protected override shown(): Record<string, string | number | undefined> {
    return { address: this.address, connections: this.connections.length };
  }

  /** @internal */
  protected override setReferenced(referenced: boolean): void {
    this.#referenced = referenced;
    this.#listener?.setReferenced(referenced);
    this.#acceptor.setReferenced(referenced);
    for (const connection of this.#all) connection.setReferenced(referenced);
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
    // First of all: a golang-ipc client comes back at once, and gives up for ever where it is accepted and dropped.
    await this.#stopListening();
    await Promise.all([this.#acceptor.close(), ...this.#all.map((connection) => connection.close())]);
    this.setStatus(this.#shutdown.status);
    this.tellClosed();
  }

  async #stopListening(): Promise<void> {
    try {
      await this.#listener?.close();
    } catch (error) {
      // The socket could not be removed; nobody listens on it any more.
      this.emitSafely("error", listenerFailed(error as Error), undefined);
    }
  }

  #accept(transport: Transport): void {
    if (this.status === "not-connected") {
      this.#waiting.push(transport);
      return;
    }
    if (this.#shutdown.hasBegun) {
      transport.destroy();
      return;
    }
    const refusal = this.#admission.refusal();
    if (refusal !== undefined) {
      transport.destroy();
      this.emitSafely("error", refusal, undefined);
      return;
    }
    this.#admission.accepted(this.#acceptor.accept(transport));
    const evicted = this.#admission.makeRoom();
    if (evicted === undefined) this.#acceptor.clientCame();
    else this.emitSafely("error", evicted, undefined);
  }

  /** Connections that hold a transport, and those that wait for their clients to come back. */
  get #all(): Connection[] {
    return [...new Set([...this.#admission.held, ...this.#resumable.detached])];
  }

  #makeAcceptor(): Acceptor {
    return new Acceptor({
      options: this.#options,
      session: (id) => this.#resumable.find(id),
      takeOver: (established) =>
        established.native?.resumed ? this.#resume(established) : this.#open(established),
      failed: (error) => {
        const told = error && this.#refusals.worthTelling(error);
        if (told !== undefined) this.emitSafely("error", told, undefined);
      },
      tookTurn: (driver) => this.#admission.tookTurn(driver),
      released: (driver) => this.#admission.failed(driver),
    });
  }

  #open(established: Established): ConnectionHandler {
    this.#lastId += 1;
    const connection = new Connection(this.#lastId, established, this.#host);
    connection.setReferenced(this.#referenced);
    this.#connections.add(connection);
    this.#admission.established(established.driver, connection);
    this.#resumable.opened(connection);
    this.emitSafely("connection", connection);
    return connection.handler;
  }

  #resume(established: Established): ConnectionHandler {
    const { driver, native } = established;
    // It was there a moment ago, when its session was asked for.
    const connection = this.#resumable.resumed(native?.session as NativeSession) as Connection;
    this.#admission.established(driver, connection);
    connection.resume(established);
    return connection.handler;
  }

  #makeHost(): ConnectionHost<Connection, ConnectionMessage, ConnectionRequest> {
    return {
      inbox: this.inbox,
      options: this.#options,
      handlers: this.#handlers,
      detached: (connection) => this.#resumable.lost(connection),
      keepsMore: () => this.#resumable.enforce(),
      closed: (connection, error) => {
        this.#connections.delete(connection);
        this.#resumable.closed(connection);
        if (error !== undefined) this.emitSafely("error", error, connection);
      },
      told: (connection, error) => this.emitSafely("error", error, connection),
      parted: (connection) => this.#admission.parted(connection),
      released: (connection) => this.#admission.released(connection),
    };
  }
}

function listenerFailed(cause: Error): SealpipeError {
  if (cause instanceof SealpipeError) return cause;
  return new SystemError("ERR_LISTEN_FAILED", `the listener failed: ${cause.message}`, { cause });
}
