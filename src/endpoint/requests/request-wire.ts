/** A peer's request as it arrives. */
export interface ReceivedRequest {
  readonly id: number;
  readonly type: number;
  readonly data: Uint8Array;
  /** What `taken` is to be called with. */
  readonly mark: number;
}

export interface ReceivedAnswer {
  readonly id: number;
  readonly data: Uint8Array;
}

export interface ReceivedFailure {
  readonly id: number;
  readonly code: string;
  readonly message: string;
}

/**
 * How requests and answers reach the peer. Each call takes what it is given: nothing of `data` is needed after it. Where
 * there is no connection just now, what is taken waits for the next.
 *
 * None is called after `Requests.end`.
 */
export interface RequestWire {
  /**
   * @throws CallerError as `write` does.
   * @throws PeerError `ERR_PEER_NOT_NATIVE`, `ERR_TOO_LARGE_FOR_PEER`
   */
  sendRequest(id: number, type: number, data: Uint8Array): void;
  /**
   * Takes answers however many wait.
   * @throws CallerError `ERR_MESSAGE_TOO_LARGE`
   * @throws PeerError `ERR_TOO_LARGE_FOR_PEER`
   */
  sendAnswer(id: number, data: Uint8Array): void;
  /** Never throws. `code` is such as fits into a failure; of `message` no more is sent than does. */
  sendFailure(id: number, code: string, message: string): void;
  /** Never throws. The request may be sent, or still wait to be. */
  sendCancel(id: number): void;
  /** The request of that mark is no longer waiting: once for each, in the order in which they arrived. */
  taken(mark: number): void;
  /**
   * So many answers wait to be sent that no further handler should be started. `Requests.progressed` is to be called
   * when that is over. Without it, a peer that asks and does not read would fill our memory with answers.
   */
  readonly congested: boolean;
}
