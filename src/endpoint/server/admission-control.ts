import { PeerError } from "../../errors.ts";
import type { EngineDriver } from "../driver/engine-driver.ts";
import type { Connection } from "./connection.ts";

export interface AdmissionLimits {
  readonly maxConnections: number;
  readonly maxPendingHandshakes: number;
}

/** Which clients a server has room for, and which gives way to another. */
export class AdmissionControl {
  readonly #limits: AdmissionLimits;
  /** Connections that hold a transport: open, or on their way out. */
  readonly #held = new Set<Connection>();
  /** Handshakes that hold a transport: under way, or come to nothing and on their way out. */
  readonly #unestablished = new Set<EngineDriver>();
  /** Those under way, in the order in which they came, or last had a turn. */
  readonly #handshaking = new Set<EngineDriver>();
  /** Gone, but what came by them is still to be read: they count, or what waits would have no bound. */
  readonly #unread = new Set<Connection>();

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  /** The connections that hold a transport. */
  get held(): Iterable<Connection> {
    return this.#held;
  }

  /** Why one more client is to be dropped: there is no room, and nobody who could give way. */
  refusal(): PeerError | undefined {
    const { maxConnections } = this.#limits;
    if (this.#handshaking.size > 0 || this.#taken < maxConnections) return undefined;
    return tooManyConnections(maxConnections);
  }

  /** A client has come, whose handshake begins. */
  accepted(driver: EngineDriver): void {
    this.#unestablished.add(driver);
    this.#handshaking.add(driver);
  }

  /**
   * The oldest handshake gives way to the newest. To refuse the newest instead would let a few that say nothing keep out
   * everyone: to keep others from finishing theirs now takes as many new connections as there may be handshakes, in the
   * few milliseconds that one takes.
   *
   * @returns Why one has given way, if one had to.
   */
  makeRoom(): PeerError | undefined {
    const { maxConnections, maxPendingHandshakes } = this.#limits;
    if (this.#handshaking.size <= maxPendingHandshakes && this.#taken <= maxConnections) return undefined;
    const [driver] = this.#handshaking;
    if (driver === undefined) return undefined;
    // Its place is free at once, not only when the system has closed its socket.
    this.failed(driver);
    driver.destroy();
    return tooManyHandshakes(maxPendingHandshakes, maxConnections);
  }

  /** It had a turn for a costly step, which is not to have been for nothing: it gives way as late as one that has just come. */
  tookTurn(driver: EngineDriver): void {
    if (this.#handshaking.delete(driver)) this.#handshaking.add(driver);
  }

  /** The transport of a handshake that came to nothing is gone. */
  failed(driver: EngineDriver): void {
    this.#unestablished.delete(driver);
    this.#handshaking.delete(driver);
  }

  /** A handshake is over, and this connection, new or one that resumes, has its transport. */
  established(driver: EngineDriver, connection: Connection): void {
    this.failed(driver);
    this.#held.add(connection);
  }

  /** It has no transport any more. */
  parted(connection: Connection): void {
    this.#held.delete(connection);
  }

  /** It is over and has no transport any more. */
  released(connection: Connection): void {
    this.parted(connection);
    if (connection.hasUnread) this.#unread.add(connection);
  }

  /** How many of `maxConnections` are taken. */
  get #taken(): number {
    for (const connection of this.#unread) {
      if (!connection.hasUnread) this.#unread.delete(connection);
    }
    return this.#unestablished.size + this.#held.size + this.#unread.size;
  }
}

function tooManyConnections(maxConnections: number): PeerError {
  return new PeerError(
    "ERR_TOO_MANY_CONNECTIONS",
    `a client was dropped: the server has maxConnections (${maxConnections}) already`,
  );
}

function tooManyHandshakes(maxPendingHandshakes: number, maxConnections: number): PeerError {
  return new PeerError(
    "ERR_TOO_MANY_HANDSHAKES",
    "a client that had not finished its handshake gave way to a new one: there are" +
      ` maxPendingHandshakes (${maxPendingHandshakes}) in the handshake, or maxConnections (${maxConnections}) in all`,
  );
}
