/** Messages, and the bytes of their data. */
export interface MessageCount {
  readonly messages: number;
  readonly bytes: number;
}

/**
 * What happened to the requests of this end. Requests that were rejected before they were sent or queued are not
 * counted.
 */
export interface AskedRequests {
  /** Wait for their answers at present. */
  readonly pending: number;
  readonly answered: number;
  /** The peer's handler threw, or there was none. */
  readonly failed: number;
  readonly timedOut: number;
  /** Ended by their signals. */
  readonly aborted: number;
  /** Rejected because their session or connection was lost or closed. */
  readonly lost: number;
  /** How long the answer to the last timed request took, including its handler. One request at a time is timed. */
  readonly lastAnswerMs: number | undefined;
}

/** What happened to the requests of the peer. */
export interface HandledRequests {
  /** Have a running handler. */
  readonly running: number;
  /** Wait for a handler to be free. */
  readonly waiting: number;
  readonly answered: number;
  /** Failed in a handler, or had none. */
  readonly failed: number;
  /** Cancelled by the peer before there was an answer. */
  readonly cancelled: number;
  /** Had no answer when their session or connection was lost or closed. */
  readonly lost: number;
}

/**
 * Totals since creation, and present values. All successive connections count. Bytes are those of data, not of the
 * wire.
 */
export interface EndpointStats {
  /** Accepted by `write`, or by a server's `broadcast`. */
  readonly sent: MessageCount;
  /** Arrived, read or not. */
  readonly received: MessageCount;
  /**
   * Messages that were written and will not be sent: to a peer that had left or does not accept one that large, in a
   * broadcast to a client that reads too slowly, or when this ended.
   */
  readonly droppedMessages: number;
  /** Messages that were sent to a native peer and never acknowledged. */
  readonly lostMessages: number;
  readonly asked: AskedRequests;
  readonly handled: HandledRequests;
  /** The same as the property `queuedBytes`. */
  readonly queuedBytes: number;
  /** Bytes that have arrived and wait to be read; each message counts as 256 bytes more than its data. */
  readonly unreadBytes: number;
  /** How often it reconnected after a connection was lost. */
  readonly reconnects: number;
  /** How often the session was resumed at that, with nothing lost. */
  readonly resumes: number;
  /**
   * How long the last ping took to come back, in milliseconds. Only a native connection has pings, and only after a silence
   * of `keepaliveIntervalMs`.
   */
  readonly roundTripMs: number | undefined;
}

/** The same for the server and all clients so far. Present values are sums over the present clients. */
export interface ServerStats extends Omit<EndpointStats, "asked" | "roundTripMs"> {
  readonly asked: Omit<AskedRequests, "lastAnswerMs">;
  /** Clients that are connected, or may come back. */
  readonly connections: number;
  /** Clients that have connected so far; a client that comes back is not counted again. */
  readonly totalConnections: number;
  /**
   * Clients that were refused, or failed in the handshake. A client that merely connected and left is not counted.
   */
  readonly refusedConnections: number;
}
