import type { MessageContent } from "./message.ts";

/** What the application consumes at its own pace, each kind in a lane of its own. */
export type ConsumedLane = "messages" | "requests";

/** A request as it was asked. */
export interface RequestContent extends MessageContent {
  readonly id: number;
}

/** Why a request has no answer. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  /** What the application says of it besides, if it says anything. */
  readonly data?: Uint8Array | undefined;
}

/** What was under way when a session was given up. */
export interface Leftovers {
  /** Sent, in part at least, and not acknowledged: they may have arrived or not. */
  readonly unacknowledged: readonly MessageContent[];
  /** Not sent at all. */
  readonly unsent: readonly MessageContent[];
  readonly unsentRequests: readonly RequestContent[];
}

/**
 * What an application says to its peer: the one door of the protocol for everything that is not bytes, times or events.
 * A native session outlives its connection and takes what is sent without one; a classic one ends with its connection and
 * has no requests.
 *
 * Nothing of `data` is needed after a call. Whoever calls has the engine's output taken afterwards.
 */
export interface Session {
  /** Whether the peer says what its application has consumed. If not, what has left counts as done. */
  readonly isAcknowledged: boolean;
  /** Whether it goes on when its connection is lost. */
  readonly isResumable: boolean;
  /** The weight of what is not done with: has not left or, if it is acknowledged, has not been consumed by the peer. */
  readonly queuedBytes: number;
  /** The same of messages alone, if they can be told apart. */
  readonly queuedMessageBytes: number;
  /** The same of requests alone. */
  readonly queuedRequestBytes: number;
  /** The same of answers and failures. */
  readonly queuedAnswerBytes: number;
  /**
   * @throws CallerError `ERR_RESERVED_TYPE`, `ERR_TYPE_OUT_OF_RANGE`, `ERR_MESSAGE_TOO_LARGE`, `ERR_CLOSED`
   * @throws PeerError `ERR_TOO_LARGE_FOR_PEER`
   */
  send(type: number, data: Uint8Array): void;
  /**
   * Asks the peer. Returns the request's id, with which its answer or failure comes.
   * @throws CallerError as {@link send}, PeerError `ERR_PEER_NOT_NATIVE`, `ERR_TOO_LARGE_FOR_PEER`
   */
  request(type: number, data: Uint8Array): number;
  /** Nobody waits for the answer to that request of ours any more: none will come. */
  cancel(id: number): void;
  /**
   * Answers a request of the peer's. Does nothing if the peer does not wait for the answer any more.
   * @throws CallerError `ERR_MESSAGE_TOO_LARGE`, PeerError `ERR_TOO_LARGE_FOR_PEER`; the request is still to be answered then.
   */
  answer(id: number, data: Uint8Array): void;
  /**
   * As {@link answer}, and never throws. Of the message no more is sent than fits into a frame, and the data only to a peer
   * that can read them.
   */
  fail(id: number, failure: Failure): void;
  /** The application has consumed what arrived with that position. It consumes in the order of arrival. */
  consumed(lane: ConsumedLane, position: number): void;
  /** Has the peer acknowledge soon what its application has consumed. */
  askForAcknowledgement(): void;
  /** Gives it up: nothing more is sent by it. */
  abandon(): Leftovers;
}
