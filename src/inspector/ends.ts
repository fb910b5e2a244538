import type { Client, Connection, DiagnosticsAbout, Server } from "../index.ts";
import type { EndState } from "./event.ts";

export type End = Client | Connection | Server;

/** Ends that are closed, and are still shown. */
const maxClosed = 50;
/** Ends that are told of at a time. */
const maxShown = 200;

interface Known {
  readonly number: number;
  readonly kind: EndState["kind"];
  readonly endpoint: End;
  isFull: boolean;
  readonly fullStreams: Set<number>;
  lastError: string | undefined;
}

/** The clients, connections and servers of this process that are not closed, and the last ones that are. */
export class Ends {
  readonly #known = new Map<object, Known>();
  readonly #byNumber = new Map<number, Known>();
  /** Without their endpoints, which may be large. */
  #closed: EndState[] = [];
  #lastNumber = 0;

  /** The number of that end, which it gets now if it has none. */
  numberOf(about: DiagnosticsAbout): number {
    return this.#of(about).number;
  }

  full(about: DiagnosticsAbout, isFull: boolean): void {
    this.#of(about).isFull = isFull;
  }

  fullStream(about: DiagnosticsAbout, stream: number, isFull: boolean): void {
    const { fullStreams } = this.#of(about);
    if (isFull) fullStreams.add(stream);
    else fullStreams.delete(stream);
  }

  failed(about: DiagnosticsAbout, error: string): void {
    this.#of(about).lastError = error;
  }

  /** Streams are over with their session. */
  sessionLost(about: DiagnosticsAbout): void {
    this.#of(about).fullStreams.clear();
  }

  closed(about: DiagnosticsAbout, status: string): void {
    const known = this.#of(about);
    this.#known.delete(about.endpoint);
    this.#byNumber.delete(known.number);
    this.#closed.push({ ...stateOf(known), status, isFull: false, fullStreams: 0 });
    this.#closed = this.#closed.slice(-maxClosed);
  }

  /** An end that messages can be sent by. */
  sender(number: number): Client | Connection | undefined {
    const known = this.#byNumber.get(number);
    return known === undefined || known.kind === "server"
      ? undefined
      : (known.endpoint as Client | Connection);
  }

  /** What waits in those that are open, and how many they are. */
  totals(): { readonly queuedBytes: number; readonly unreadBytes: number; readonly open: number } {
    const ends = [...this.#known.values()].filter(({ kind }) => kind !== "server");
    const totals = { queuedBytes: 0, unreadBytes: 0, open: ends.length };
    for (const { endpoint } of ends) {
      const { queuedBytes, unreadBytes } = endpoint.stats();
      totals.queuedBytes += queuedBytes;
      totals.unreadBytes += unreadBytes;
    }
    return totals;
  }

  states(): { readonly ends: EndState[]; readonly moreEnds: number } {
    const live = [...this.#known.values()];
    const ends = [...live.slice(-maxShown).map(stateOf), ...this.#closed];
    return { ends, moreEnds: Math.max(0, live.length - maxShown) };
  }

  #of({ endpoint, side }: DiagnosticsAbout): Known {
    const known = this.#known.get(endpoint);
    if (known !== undefined) return known;
    this.#lastNumber += 1;
    const kind = side === "client" ? "client" : "connections" in endpoint ? "server" : "connection";
    const end: Known = {
      number: this.#lastNumber,
      kind,
      endpoint: endpoint as End,
      isFull: false,
      fullStreams: new Set(),
      lastError: undefined,
    };
    this.#known.set(endpoint, end);
    this.#byNumber.set(end.number, end);
    return end;
  }
}

function stateOf({ number, kind, endpoint, isFull, fullStreams, lastError }: Known): EndState {
  const { sent, received, queuedBytes, unreadBytes, reconnects, resumes } = endpoint.stats();
  const stats = { sent, received, queuedBytes, unreadBytes, reconnects, resumes, roundTripMs: undefined };
  const common = { connection: number, kind, status: endpoint.status, isFull, lastError };
  if (kind === "server") return { ...common, address: (endpoint as Server).address, fullStreams: 0, stats };
  const { profile, encrypted, peer } = endpoint as Client | Connection;
  return {
    ...common,
    ...(kind === "client" && { address: (endpoint as Client).address }),
    profile,
    encrypted,
    peer: peer && [peer.application, `pid ${peer.pid}`, peer.library].filter(Boolean).join(", "),
    fullStreams: fullStreams.size,
    stats: { ...stats, roundTripMs: (endpoint as Client | Connection).stats().roundTripMs },
  };
}
