import type { Failure } from "../../protocol/session.ts";

/** A peer's request as it arrives. */
export interface ReceivedRequest {
  readonly id: number;
  readonly type: number;
  readonly data: Uint8Array;
  /** What `consumed` is to be called with. */
  readonly position: number;
}

export interface ReceivedAnswer {
  readonly id: number;
  readonly data: Uint8Array;
}

export interface ReceivedFailure extends Failure {
  readonly id: number;
}

/**
 * How requests and answers reach the peer. Each call takes what it is given: nothing of `data` is needed after it. If there
 * is no connection just now, what is taken waits for the next.
 */
export interface RequestWire {
  /**
   * Asks the peer, and returns the id with which its answer comes.
   * @throws CallerError as `write` does.
   * @throws PeerError `ERR_PEER_NOT_NATIVE`, `ERR_TOO_LARGE_FOR_PEER`
   */
  ask(type: number, data: Uint8Array): number;
  /** Whether what is asked leaves now. */
  readonly isConnected: boolean;
  /** Never throws. The request may be sent, or still wait to be. */
  cancel(id: number): void;
  /**
   * Takes answers however many wait.
   * @throws CallerError `ERR_MESSAGE_TOO_LARGE`
   * @throws PeerError `ERR_TOO_LARGE_FOR_PEER`
   */
  answer(id: number, data: Uint8Array): void;
  /** Never throws. The code and the data are such as fit into a failure; of the message no more is sent than does. */
  fail(id: number, failure: Failure): void;
  /** The request with that position no longer waits: once for each, in the order in which they arrived. */
  consumed(position: number): void;
  /**
   * So many answers wait to be sent that no further handler should be started. `startWaiting` is to be called when that is
   * over. Without it, a peer that asks and does not read would fill our memory with answers.
   */
  readonly congested: boolean;
}
