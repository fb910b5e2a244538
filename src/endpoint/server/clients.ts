import type { SealpipeError } from "../../errors.ts";
import type { SessionAnswer } from "../../protocol/native/options.ts";
import type { NativeSession } from "../../protocol/native/session.ts";
import type { Transport } from "../../transport/transport.ts";
import { type About, channels } from "../diagnostics.ts";
import type { ConnectionHandler } from "../driver/driver-handler.ts";
import type { EngineDriver } from "../driver/engine-driver.ts";
import type { Established } from "../driver/established.ts";
import type { ServerStats } from "../stats.ts";
import { Acceptor, type AcceptorTarget } from "./acceptor.ts";
import { AdmissionControl } from "./admission-control.ts";
import { Connection, type ConnectionHost } from "./connection.ts";
import type { ConnectionLife } from "./connection-life.ts";
import { Refusals } from "./refusals.ts";
import { ResumableConnections } from "./resumable-connections.ts";
import { ConnectionTotals } from "./server-stats.ts";

type Life = ConnectionLife<Connection>;

/** What a server offers to its clients, and how it reports what happens to them. */
export interface ClientsStart
  extends Pick<ConnectionHost, "options" | "inbox" | "handlers" | "streamHandlers" | "admin"> {
  /** Whose they are, for diagnostics. */
  readonly about: About;
  emit(event: "connection", connection: Connection): void;
  emit(event: "error", error: SealpipeError, connection: Connection | undefined): void;
}

/** The clients of a server: in their handshakes, connected, and lost for now. */
export class Clients implements AcceptorTarget {
  readonly about: About;
  readonly options: ConnectionHost["options"];
  readonly #emit: ClientsStart["emit"];
  /** What each connection needs of the server. */
  readonly #host: ConnectionHost;
  readonly #resumable: ResumableConnections<Connection>;
  readonly #admission: AdmissionControl<Connection>;
  readonly #acceptor: Acceptor;
  readonly #connections = new Set<Connection>();
  readonly #refusals = new Refusals();
  readonly #totals = new ConnectionTotals();
  #lastId = 0;
  #referenced = true;

  constructor({ about, emit, ...offered }: ClientsStart) {
    const { options } = offered;
    this.about = about;
    this.options = options;
    this.#emit = emit;
    this.#resumable = new ResumableConnections(options);
    this.#admission = new AdmissionControl(options);
    this.#acceptor = new Acceptor(this);
    this.#host = {
      ...offered,
      detached: (life) => this.#resumable.lost(life),
      keepsMore: () => this.#resumable.enforce(),
      closed: (life, error) => this.#closed(life, error),
      told: (connection, error) => emit("error", error, connection),
      parted: (life) => this.#admission.parted(life),
      released: (life) => this.#admission.released(life),
    };
  }

  /** Those that are connected, or may come back. */
  get connections(): readonly Connection[] {
    return [...this.#connections];
  }

  get stats(): ServerStats {
    return {
      ...this.#totals.with(this.connections.map((connection) => connection.stats())),
      connections: this.#connections.size,
      totalConnections: this.#lastId,
      refusedConnections: this.#totals.refused,
    };
  }

  /** A client has connected: it is let in, in place of another, or refused. */
  accept(transport: Transport): void {
    const refusal = this.#admission.refusal();
    if (refusal !== undefined) {
      transport.destroy();
      this.#refused(refusal, refusal);
      return;
    }
    this.#admission.accepted(this.#acceptor.accept(transport));
    const evicted = this.#admission.makeRoom();
    if (evicted === undefined) this.#acceptor.clientCame();
    else this.#refused(evicted, evicted);
  }

  /** Ends all in order. */
  async close(): Promise<void> {
    await Promise.all([this.#acceptor.close(), ...this.#all.map((connection) => connection.close())]);
  }

  /** Drops all at once. */
  destroy(error: Error | undefined): void {
    this.#acceptor.destroy();
    for (const connection of this.#all) connection.destroy(error);
  }

  /** Whether they keep the process alive, present and future ones. */
  setReferenced(referenced: boolean): void {
    this.#referenced = referenced;
    this.#acceptor.setReferenced(referenced);
    for (const connection of this.#all) connection.setReferenced(referenced);
  }

  // Called by the acceptor.

  session(id: Uint8Array): SessionAnswer {
    return this.#resumable.find(id);
  }

  takeOver(established: Established): ConnectionHandler {
    return established.native?.resumed ? this.#resume(established) : this.#open(established);
  }

  failed(error: SealpipeError | undefined): void {
    if (error !== undefined) this.#refused(error, this.#refusals.worthTelling(error));
  }

  tookTurn(driver: EngineDriver): void {
    this.#admission.tookTurn(driver);
  }

  released(driver: EngineDriver): void {
    this.#admission.failed(driver);
  }

  /** `told`: what the program is told of it. */
  #refused(error: SealpipeError, told: SealpipeError | undefined): void {
    this.#totals.refused += 1;
    if (channels.refused.hasSubscribers) channels.refused.publish({ ...this.about, error });
    if (told !== undefined) this.#emit("error", told, undefined);
  }

  /** Connections that have a transport, and those that wait for their clients to come back. */
  get #all(): Connection[] {
    const lives = new Set([...this.#admission.held, ...this.#resumable.detached]);
    return [...lives].map(({ connection }) => connection);
  }

  #open(established: Established): Life {
    this.#lastId += 1;
    const connection = new Connection(this.#lastId, established, this.#host);
    connection.setReferenced(this.#referenced);
    this.#connections.add(connection);
    this.#admission.established(established.driver, connection.life);
    this.#resumable.opened(connection.life);
    this.#emit("connection", connection);
    return connection.life;
  }

  #resume(established: Established): Life {
    const { driver, native } = established;
    // It exists: it was found by its session in the same turn.
    const life = this.#resumable.resumed(native?.session as NativeSession) as Life;
    this.#admission.established(driver, life);
    life.resume(established);
    return life;
  }

  #closed(life: Life, error: SealpipeError | undefined): void {
    const { connection } = life;
    if (this.#connections.delete(connection)) this.#totals.ended(connection.stats());
    this.#resumable.closed(life, error);
    if (error !== undefined) this.#emit("error", error, connection);
  }
}
