import type { SealpipeError } from "../../errors.ts";
import { connectionLost } from "../../protocol/engine-errors.ts";
import type { SessionAnswer } from "../../protocol/native/options.ts";
import type { NativeSession } from "../../protocol/native/session.ts";
import { clearTimeout, setTimeout } from "../../transport/timers.ts";
import { clock } from "../clock.ts";
import type { ConnectionLife, LivingConnection } from "./connection-life.ts";

/** Max number of ended sessions whose reason is remembered. */
const maxRemembered = 64;

export interface ResumeLimits {
  readonly resumeWindowMs: number;
  readonly maxDetachedSessions: number;
  readonly maxDetachedBytes: number;
}

/** A connection whose client is gone. */
interface Detached {
  /** Ends the wait. */
  readonly timer: NodeJS.Timeout;
  /**
   * How long its session had lasted, times how much it had settled: another client would have to do as much to
   * displace it. A session that was opened only to be dropped has none.
   */
  readonly standing: number;
}

/**
 * The connections of a server whose clients may resume them, with and without their clients.
 *
 * If more clients are gone than the limits allow, the sessions with the least standing are given up: a peer that
 * drops many connections must not displace others' sessions. The server cannot know whose a connection is, because
 * Node does not give a peer's credentials.
 */
export class ResumableConnections<C extends LivingConnection = LivingConnection> {
  readonly #limits: ResumeLimits;
  readonly #now: () => number;
  readonly #byId = new Map<string, ConnectionLife<C>>();
  readonly #known = new Map<ConnectionLife<C>, { readonly key: string; readonly openedAt: number }>();
  /** Connections whose clients are gone, in the order in which they were lost. */
  readonly #detached = new Map<ConnectionLife<C>, Detached>();
  /** Ids of the last sessions that ended because their clients did not read, in that order. */
  readonly #fellBehind = new Set<string>();

  constructor(limits: ResumeLimits, now = clock.now) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Connections whose clients are gone. */
  get detached(): Iterable<ConnectionLife<C>> {
    return this.#detached.keys();
  }

  /** The session with that id, if its client may resume it, or why not, if that is known. */
  find(id: Uint8Array): SessionAnswer {
    const key = keyOf(id);
    const connection = this.#byId.get(key);
    if (connection?.mayBeResumed) return connection.session;
    return this.#fellBehind.has(key) ? { ended: "ERR_FELL_BEHIND" } : undefined;
  }

  /** The client of that session is back. Returns its connection. */
  resumed({ identity }: NativeSession): ConnectionLife<C> | undefined {
    const connection = identity && this.#byId.get(keyOf(identity.id));
    if (connection !== undefined) this.#forgetDetached(connection);
    return connection;
  }

  opened(connection: ConnectionLife<C>): void {
    const identity = connection.session?.identity;
    if (identity === undefined) return;
    const key = keyOf(identity.id);
    this.#byId.set(key, connection);
    this.#known.set(connection, { key, openedAt: this.#now() });
  }

  /** The connection's client is gone, and may come back. */
  lost(connection: ConnectionLife<C>): void {
    const { resumeWindowMs } = this.#limits;
    const timer = setTimeout(() => connection.giveUp(notBack(resumeWindowMs)), resumeWindowMs);
    timer.unref();
    this.#detached.set(connection, { timer, standing: this.#standingOf(connection) });
    this.enforce();
  }

  /** Gives up one connection after the other, until all limits hold. */
  enforce(): void {
    for (let next = this.#excess(); next !== undefined; next = this.#excess()) {
      // First, because a listener may do something that leads here again.
      this.#forgetDetached(next);
      next.giveUp(
        connectionLost("and its session, one of too many without a client, was given up", undefined),
      );
    }
  }

  /** The connection is over. `error`: why, if it did not end in order. */
  closed(connection: ConnectionLife<C>, error?: SealpipeError): void {
    this.#forgetDetached(connection);
    const known = this.#known.get(connection);
    if (known !== undefined) this.#byId.delete(known.key);
    if (known !== undefined && error?.code === "ERR_QUEUE_FULL") this.#remember(known.key);
    this.#known.delete(connection);
  }

  #remember(key: string): void {
    this.#fellBehind.add(key);
    const [oldest] = this.#fellBehind as Iterable<string> as [string];
    if (this.#fellBehind.size > maxRemembered) this.#fellBehind.delete(oldest);
  }

  #standingOf(connection: ConnectionLife<C>): number {
    const openedAt = this.#known.get(connection)?.openedAt ?? this.#now();
    return (this.#now() - openedAt) * (connection.session?.settledBytes ?? 0);
  }

  /**
   * The connection to give up, if there are too many: that with the least standing or, if too many bytes are kept,
   * the least per byte.
   */
  #excess(): ConnectionLife<C> | undefined {
    const { maxDetachedSessions, maxDetachedBytes } = this.#limits;
    if (this.#detached.size > maxDetachedSessions) return this.#least(({ standing }) => standing);
    let bytes = 0;
    for (const { keptBytes } of this.#detached.keys()) bytes += keptBytes;
    if (bytes <= maxDetachedBytes) return undefined;
    return this.#least(({ standing }, { keptBytes }) => (standing + 1) / keptBytes);
  }

  /** The connection with the least worth; of equals the one that was lost first. */
  #least(
    worthOf: (detached: Detached, connection: ConnectionLife<C>) => number,
  ): ConnectionLife<C> | undefined {
    let least: ConnectionLife<C> | undefined;
    let minWorth = Number.POSITIVE_INFINITY;
    for (const [connection, detached] of this.#detached) {
      const worth = worthOf(detached, connection);
      if (worth >= minWorth) continue;
      least = connection;
      minWorth = worth;
    }
    return least;
  }

  #forgetDetached(connection: ConnectionLife<C>): void {
    clearTimeout(this.#detached.get(connection)?.timer);
    this.#detached.delete(connection);
  }
}

function keyOf(id: Uint8Array): string {
  return id.toString();
}

function notBack(resumeWindowMs: number): Error & ReturnType<typeof connectionLost> {
  return connectionLost(`and the client did not come back within ${resumeWindowMs} ms`, undefined);
}
