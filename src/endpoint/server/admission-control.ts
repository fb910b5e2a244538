import { PeerError } from "../../errors.ts";
import type { Connection } from "./connection.ts";

export interface AdmissionLimits {
  readonly maxConnections: number;
  readonly maxPendingHandshakes: number;
}

/** Which clients a server has room for, and which gives way to another. */
export class AdmissionControl {
  readonly #limits: AdmissionLimits;
  /** All that hold a transport: in the handshake, open, or on their way out. */
  readonly #held = new Set<Connection>();
  /** In the order in which they came, or last had a turn. */
  readonly #handshaking = new Set<Connection>();
  /** Gone, but what came by them is still to be read: they count, or what waits would have no bound. */
  readonly #unread = new Set<Connection>();

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  /** Those that hold a transport. */
  get held(): Iterable<Connection> {
    return this.#held;
  }

  /** Why one more client is to be dropped: there is no room, and nobody who could give way. */
  refusal(): PeerError | undefined {
    const { maxConnections } = this.#limits;
    if (this.#handshaking.size > 0 || this.#taken < maxConnections) return undefined;
    return tooManyConnections(maxConnections);
  }

  /** It has a transport, and its handshake is to come. */
  accepted(connection: Connection): void {
    this.#held.add(connection);
    this.#handshaking.add(connection);
  }

  /**
   * The oldest handshake gives way to the newest. To refuse the newest instead would let a few that say nothing keep out
   * everyone: to keep others from finishing theirs now takes as many new connections as there may be handshakes, in the
   * few milliseconds that one takes.
   *
   * @returns Which has given way, and why.
   */
  makeRoom(): { readonly connection: Connection; readonly error: PeerError } | undefined {
    const { maxConnections, maxPendingHandshakes } = this.#limits;
    if (this.#handshaking.size <= maxPendingHandshakes && this.#taken <= maxConnections) return undefined;
    const [connection] = this.#handshaking;
    if (connection === undefined) return undefined;
    // Its place is free at once, not only when the system has closed its socket.
    this.parted(connection);
    const error = tooManyHandshakes(maxPendingHandshakes, maxConnections);
    connection.evict(error);
    return { connection, error };
  }

  /** It had a turn for a costly step, which is not to have been for nothing: it gives way as late as one that has just come. */
  tookTurn(connection: Connection): void {
    if (this.#handshaking.delete(connection)) this.#handshaking.add(connection);
  }

  /** Its handshake is over. */
  opened(connection: Connection): void {
    this.#handshaking.delete(connection);
  }

  /** Its client is back: it has a transport again. */
  resumed(connection: Connection): void {
    this.#held.add(connection);
  }

  /** It has no transport any more. */
  parted(connection: Connection): void {
    this.#held.delete(connection);
    this.#handshaking.delete(connection);
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
    return this.#held.size + this.#unread.size;
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
