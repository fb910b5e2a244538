import type { SealpipeError } from "../errors.ts";

/** The state at which a close of this end starts. */
export interface CloseStart {
  readonly role: "client" | "server";
  readonly now: number;
  /** When the connection was established. */
  readonly openedAt: number;
  /** Bytes that are still to be sent, or to be acknowledged. */
  readonly queuedBytes: number;
  readonly closeTimeoutMs: number;
}

/** How a connection ends when its close has taken too long; without an error, in order. */
export interface CloseEnd {
  readonly error?: SealpipeError;
}

/** The phase after a close of this end: how long to wait for the peer, and for what. Each profile has its own. */
export interface Close {
  /** When to call {@link handleTimeout}. */
  readonly at: number;
  /** Nothing will be added to the output, but the peer must not see the end yet. */
  readonly isHeld: boolean;
  /** Everything that was written before the close has left this process. */
  readonly allHasLeft: boolean;
  /** Output was handed out: `queuedBytes` are still queued; if `isEmpty`, everything that could leave has left. */
  progressed(progress: {
    readonly queuedBytes: number;
    readonly isEmpty: boolean;
    readonly now: number;
  }): void;
  /** {@link at} has passed. Returns how the connection ends, or `undefined` to wait longer. */
  handleTimeout(now: number): CloseEnd | undefined;
}
