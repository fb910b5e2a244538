import type { EndpointStats, ServerStats } from "../stats.ts";

/** Totals of one or more connections. */
type Totals = Omit<ServerStats, "connections" | "totalConnections" | "refusedConnections">;

const none: Totals = {
  sent: { messages: 0, bytes: 0 },
  received: { messages: 0, bytes: 0 },
  droppedMessages: 0,
  lostMessages: 0,
  asked: { pending: 0, answered: 0, failed: 0, timedOut: 0, aborted: 0, lost: 0 },
  handled: { running: 0, waiting: 0, answered: 0, failed: 0, cancelled: 0, lost: 0 },
  queuedBytes: 0,
  unreadBytes: 0,
  reconnects: 0,
  resumes: 0,
};

/** A server's totals of its connections, including those that are over. */
export class ConnectionTotals {
  #ended = none;
  /** Clients that were refused, or failed in the handshake. */
  refused = 0;

  /** A connection is over: its totals stay, its present values do not. */
  ended(stats: EndpointStats): void {
    const { asked, handled } = stats;
    this.#ended = sum(this.#ended, {
      ...stats,
      asked: { ...asked, pending: 0 },
      handled: { ...handled, running: 0, waiting: 0 },
      queuedBytes: 0,
      unreadBytes: 0,
    });
  }

  /** The totals together with those of the present connections. */
  with(present: Iterable<EndpointStats>): Totals {
    let totals = sum(none, this.#ended);
    for (const stats of present) totals = sum(totals, stats);
    return totals;
  }
}

function sum(one: Totals, other: Totals): Totals {
  return sumOfEach(one, other) as unknown as Totals;
}

/** Adds each number of `one` to that of `other`. */
function sumOfEach(one: object, other: object): object {
  const more = other as Record<string, object | number>;
  return Object.fromEntries(
    Object.entries(one).map(([name, value]) => [
      name,
      typeof value === "number" ? value + (more[name] as number) : sumOfEach(value, more[name] as object),
    ]),
  );
}
