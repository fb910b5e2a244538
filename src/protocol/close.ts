import type { SealpipeError } from "../errors.ts";

/** What a close of ours begins with. */
export interface CloseStart {
  readonly role: "client" | "server";
  readonly now: number;
  /** When the connection was established. */
  readonly openedAt: number;
  /** What is still to be sent, or to be acknowledged. */
  readonly queuedBytes: number;
  readonly closeTimeoutMs: number;
}

/** How a connection ends whose close has taken too long; in order if there is no error. */
export interface CloseEnd {
  readonly error?: SealpipeError;
}

/** The time after a close of ours: how long the peer is waited for, and for what. Each profile has its own way. */
export interface Close {
  /** When to call {@link handleTimeout}. */
  readonly at: number;
  /** Nothing will be added to the output, but the peer is not to see the end yet. */
  readonly isHeld: boolean;
  /** Everything that was written before has left this process. */
  readonly allHasLeft: boolean;
  /** The output was taken: `queuedBytes` are still queued, and if `isEmpty`, everything that could leave has. */
  progressed(progress: {
    readonly queuedBytes: number;
    readonly isEmpty: boolean;
    readonly now: number;
  }): void;
  /** The time {@link at} has come. How the connection ends, or `undefined` if it is waited for longer. */
  handleTimeout(now: number): CloseEnd | undefined;
}
