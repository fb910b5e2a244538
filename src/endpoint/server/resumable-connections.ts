import { connectionLost } from "../../protocol/engine-errors.ts";
import type { NativeSession } from "../../protocol/native/session.ts";
import { clearTimeout, setTimeout } from "../../transport/timers.ts";
import { clock } from "../clock.ts";
import type { Connection } from "./connection.ts";

export interface ResumeLimits {
  readonly resumeWindowMs: number;
  readonly maxDetachedSessions: number;
  readonly maxDetachedBytes: number;
}

/** One whose client is gone. */
interface Detached {
  /** Ends the wait. */
  readonly timer: NodeJS.Timeout;
  /**
   * How long its session had lasted, times how much it had settled: what one would have to do to push it out. One that
   * was opened only to be dropped has none.
   */
  readonly standing: number;
}

/**
 * The connections of a server whose clients may come back, while they are there and when they are gone.
 *
 * Where more are gone than may be waited for, those with the least standing are given up: a peer that drops many connections
 * must not push out others' sessions. Whose a connection is cannot be told: Node does not give a peer's credentials.
 */
export class ResumableConnections {
  readonly #limits: ResumeLimits;
  readonly #now: () => number;
  readonly #byId = new Map<string, Connection>();
  readonly #known = new Map<Connection, { readonly key: string; readonly openedAt: number }>();
  /** Those whose clients are gone, in the order in which they were lost. */
  readonly #detached = new Map<Connection, Detached>();

  constructor(limits: ResumeLimits, now = clock.now) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Those whose clients are gone. */
  get detached(): Iterable<Connection> {
    return this.#detached.keys();
  }

  /** The session of that id, if its client may come back to it. */
  find(id: Uint8Array): NativeSession | undefined {
    const connection = this.#byId.get(keyOf(id));
    return connection?.mayBeResumed ? connection.session : undefined;
  }

  /** The client of that session is back: its connection is waited for no longer. */
  resumed({ identity }: NativeSession): Connection | undefined {
    const connection = identity && this.#byId.get(keyOf(identity.id));
    if (connection !== undefined) this.#forgetDetached(connection);
    return connection;
  }

  opened(connection: Connection): void {
    const identity = connection.session?.identity;
    if (identity === undefined) return;
    const key = keyOf(identity.id);
    this.#byId.set(key, connection);
    this.#known.set(connection, { key, openedAt: this.#now() });
  }

  /** Its client is gone, and is waited for. */
  lost(connection: Connection): void {
    const { resumeWindowMs } = this.#limits;
    const timer = setTimeout(() => connection.giveUp(notBack(resumeWindowMs)), resumeWindowMs);
    timer.unref();
    this.#detached.set(connection, { timer, standing: this.#standingOf(connection) });
    this.enforce();
  }

  /** Gives up one after the other, until what is kept is within the limits. */
  enforce(): void {
    for (let next = this.#excess(); next !== undefined; next = this.#excess()) {
      // First, as whoever is told of it may do something that leads here again.
      this.#forgetDetached(next);
      next.giveUp(
        connectionLost("and its session, one of too many without a client, was given up", undefined),
      );
    }
  }

  /** It is over. */
  closed(connection: Connection): void {
    this.#forgetDetached(connection);
    const known = this.#known.get(connection);
    if (known !== undefined) this.#byId.delete(known.key);
    this.#known.delete(connection);
  }

  #standingOf(connection: Connection): number {
    const openedAt = this.#known.get(connection)?.openedAt ?? this.#now();
    return (this.#now() - openedAt) * (connection.session?.settledBytes ?? 0);
  }

  /** The one to give up if there are too many: the least standing, or if too many bytes are kept, the least for each byte. */
  #excess(): Connection | undefined {
    const { maxDetachedSessions, maxDetachedBytes } = this.#limits;
    if (this.#detached.size > maxDetachedSessions) return this.#least(({ standing }) => standing);
    let bytes = 0;
    for (const { keptBytes } of this.#detached.keys()) bytes += keptBytes;
    if (bytes <= maxDetachedBytes) return undefined;
    return this.#least(({ standing }, { keptBytes }) => (standing + 1) / keptBytes);
  }

  /** Of several the one that was lost first. */
  #least(worthOf: (detached: Detached, connection: Connection) => number): Connection | undefined {
    let least: Connection | undefined;
    let minWorth = Number.POSITIVE_INFINITY;
    for (const [connection, detached] of this.#detached) {
      const worth = worthOf(detached, connection);
      if (worth >= minWorth) continue;
      least = connection;
      minWorth = worth;
    }
    return least;
  }

  #forgetDetached(connection: Connection): void {
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
