import type { Failure, TraceContext } from "../../protocol/session.ts";

/** A request from the peer as it arrives. */
export interface ReceivedRequest {
  readonly id: number;
  readonly type: number;
  readonly data: Uint8Array;
  readonly context?: TraceContext | undefined;
  /** Whether it is for the library itself; then the type is the operation. */
  readonly isAdmin?: boolean;
  /** The argument for `consumed`. */
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
 * How requests and answers reach the peer. No `data` is used after a call. If there is no connection, they wait for
 * the next one.
 */
export interface RequestWire {
  /**
   * Sends a request, and returns its id, which the answer carries.
   * @throws CallerError as `write` does.
   * @throws PeerError `ERR_PEER_NOT_NATIVE`, `ERR_TOO_LARGE_FOR_PEER`
   */
  ask(type: number, data: Uint8Array, context?: TraceContext): number;
  /**
   * The same, to the server's library itself.
   * @throws PeerError `ERR_PEER_NOT_NATIVE`, `ERR_PEER_WITHOUT_ADMIN`, `ERR_NOT_CONNECTED`
   */
  askAdmin(operation: number, data: Uint8Array): number;
  /** Whether requests leave now. */
  readonly isConnected: boolean;
  /** Never throws. The request may be sent, or still wait to be. */
  cancel(id: number): void;
  /**
   * Accepts any number of answers, however many wait.
   * @throws CallerError `ERR_MESSAGE_TOO_LARGE`
   * @throws PeerError `ERR_TOO_LARGE_FOR_PEER`
   */
  answer(id: number, data: Uint8Array): void;
  /** Never throws. The code and the data must fit into a failure; the message is cut to what fits. */
  fail(id: number, failure: Failure): void;
  /** The request with that position no longer waits. Called once for each, in the order in which they arrived. */
  consumed(position: number): void;
  /**
   * Whether so many answers wait to be sent that no further handler should start. When that is over, `startWaiting`
   * must be called. Otherwise a peer that sends requests and does not read would fill this process's memory with
   * answers.
   */
  readonly congested: boolean;
}
