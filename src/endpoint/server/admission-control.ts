import { PeerError } from "../../errors.ts";
import type { EngineDriver } from "../driver/engine-driver.ts";
import type { ConnectionLife, LivingConnection } from "./connection-life.ts";

export interface AdmissionLimits {
  readonly maxConnections: number;
  readonly maxPendingHandshakes: number;
}

/** Decides for which clients a server has room, and which gives way to another. */
export class AdmissionControl<C extends LivingConnection = LivingConnection> {
  readonly #limits: AdmissionLimits;
  /** Connections that have a transport: open, or closing. */
  readonly #held = new Set<ConnectionLife<C>>();
  /** Handshakes that have a transport: under way, or failed and closing. */
  readonly #unestablished = new Set<EngineDriver>();
  /** Handshakes under way, in the order in which they began or last had a turn. */
  readonly #handshaking = new Set<EngineDriver>();
  /**
   * Connections that are gone, but have unread messages: they count, because otherwise unread messages would have no
   * bound.
   */
  readonly #unread = new Set<ConnectionLife<C>>();

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  /** The connections that have a transport. */
  get held(): Iterable<ConnectionLife<C>> {
    return this.#held;
  }

  /** Why one more client must be dropped, if there is no room and no handshake that could give way. */
  refusal(): PeerError | undefined {
    const { maxConnections } = this.#limits;
    if (this.#handshaking.size > 0 || this.#taken < maxConnections) return undefined;
    return tooManyConnections(maxConnections);
  }

  /** A client has connected, and its handshake begins. */
  accepted(driver: EngineDriver): void {
    this.#unestablished.add(driver);
    this.#handshaking.add(driver);
  }

  /**
   * The oldest handshake gives way to the newest. To refuse the newest instead would let a few silent clients keep
   * everyone out. To keep others from finishing their handshakes now takes as many new connections as there may be
   * handshakes, within the few milliseconds of one handshake.
   *
   * @returns Why a handshake gave way, if one had to.
   */
  makeRoom(): PeerError | undefined {
    const { maxConnections, maxPendingHandshakes } = this.#limits;
    if (this.#handshaking.size <= maxPendingHandshakes && this.#taken <= maxConnections) return undefined;
    const [driver] = this.#handshaking;
    if (driver === undefined) return undefined;
    // Its place is free now, not only when the system has closed its socket.
    this.failed(driver);
    driver.destroy();
    return tooManyHandshakes(maxPendingHandshakes, maxConnections);
  }

  /**
   * A handshake had a turn for a costly step, which must not be wasted: it now gives way as late as one that has just
   * begun.
   */
  tookTurn(driver: EngineDriver): void {
    if (this.#handshaking.delete(driver)) this.#handshaking.add(driver);
  }

  /** The transport of a failed handshake is gone. */
  failed(driver: EngineDriver): void {
    this.#unestablished.delete(driver);
    this.#handshaking.delete(driver);
  }

  /** A handshake has succeeded, and this connection, new or resumed, has its transport. */
  established(driver: EngineDriver, connection: ConnectionLife<C>): void {
    this.failed(driver);
    this.#held.add(connection);
  }

  /** The connection has no transport any more. */
  parted(connection: ConnectionLife<C>): void {
    this.#held.delete(connection);
  }

  /** The connection is over and has no transport any more. */
  released(connection: ConnectionLife<C>): void {
    this.parted(connection);
    if (connection.hasUnread) this.#unread.add(connection);
  }

  /** How many of `maxConnections` are in use. */
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
