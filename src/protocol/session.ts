import type { MessageContent } from "./message.ts";

/** The kinds that the application consumes at its own pace, each in a lane of its own. */
export type ConsumedLane = "messages" | "requests";

/**
 * The trace of the application's that a request or a stream belongs to: the two header fields of W3C Trace Context. The
 * library carries them, and takes nothing from them.
 */
export interface TraceContext {
  /** For example `"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"`. */
  readonly traceparent: string;
  /** Up to 512 printable ASCII characters; absent if there are none. */
  readonly tracestate?: string | undefined;
}

/** A request as it was made. */
export interface RequestContent extends MessageContent {
  readonly id: number;
  readonly context?: TraceContext | undefined;
}

/** Why a request has no answer. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  /** The application's own data about the failure, if any. */
  readonly data?: Uint8Array | undefined;
}

/** What a peer does with streams. */
export type StreamEvent =
  /** The peer has opened one. */
  | {
      readonly kind: "stream";
      readonly id: number;
      readonly type: number;
      readonly data: Uint8Array;
      readonly context: TraceContext | undefined;
    }
  /** The weight is for `SessionStreams.consumed`. */
  | { readonly kind: "item"; readonly id: number; readonly data: Uint8Array; readonly weight: number }
  /** The peer sends no more items in it. */
  | { readonly kind: "stream-end"; readonly id: number }
  /** It is over. */
  | { readonly kind: "stream-reset"; readonly id: number; readonly code: string; readonly message: string }
  /** The peer wants no more items: this end's direction has ended. */
  | { readonly kind: "stop-sending"; readonly id: number }
  /** There is credit again, after a `write` that said that there was none. */
  | { readonly kind: "stream-credit"; readonly id: number };

/** The streams of a session. What is done to one that is over does nothing. */
export interface SessionStreams {
  /** The weight of all their frames that the peer has not acknowledged, or that have not left. */
  readonly queuedBytes: number;
  /** Whether the peer takes another one. */
  readonly canOpen: boolean;
  /**
   * Opens one, and returns its id. The context is sent only to a peer that can read it.
   * @throws CallerError as {@link Session.send}, PeerError `ERR_TOO_LARGE_FOR_PEER`, `ERR_TOO_MANY_STREAMS`
   */
  open(type: number, data: Uint8Array, context?: TraceContext): number;
  /**
   * Sends an item, or keeps a copy of it if there is no credit for it. Whether there is credit for another.
   * @throws CallerError `ERR_MESSAGE_TOO_LARGE`, PeerError `ERR_TOO_LARGE_FOR_PEER`
   */
  write(id: number, data: Uint8Array): boolean;
  /** No further item is sent after those that were written. */
  end(id: number): void;
  /** Ends both directions at once. */
  reset(id: number, failure: Failure): void;
  /** Asks the peer to end its direction: what still comes of it is dropped. */
  stopSending(id: number): void;
  /** The application has consumed an item of that weight. Whether there is something to send for it: most items cause nothing. */
  consumed(id: number, weight: number): boolean;
}

/** What was under way when a session was given up. */
export interface Leftovers {
  /** Sent, at least in part, and not acknowledged: they may or may not have arrived. */
  readonly unacknowledged: readonly MessageContent[];
  /** Not sent at all. */
  readonly unsent: readonly MessageContent[];
  readonly unsentRequests: readonly RequestContent[];
}

/**
 * Everything that an application sends to its peer goes through this interface; bytes, times and events go through
 * the engine. A native session outlives its connection, and can be sent to without one; a classic session ends with
 * its connection and has no requests.
 *
 * No `data` is used after a call. After each call the caller has the driver fetch the engine's output.
 */
export interface Session {
  /**
   * Whether the peer acknowledges what its application has consumed. If not, everything that has left counts as done.
   */
  readonly isAcknowledged: boolean;
  /** Whether the session goes on when its connection is lost. */
  readonly isResumable: boolean;
  /** The weight of everything that has not left or, if {@link isAcknowledged}, has not been consumed by the peer. */
  readonly queuedBytes: number;
  /** The same of messages alone, if they can be distinguished. */
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
   * Sends a request. Returns its id, which its answer or failure carries. The context is sent only to a peer that can
   * read it.
   * @throws CallerError as {@link send}, PeerError `ERR_PEER_NOT_NATIVE`, `ERR_TOO_LARGE_FOR_PEER`
   */
  request(type: number, data: Uint8Array, context?: TraceContext): number;
  /**
   * Client: like {@link request}, to the server's library itself. The caller has checked the size of `data`.
   * @throws PeerError `ERR_PEER_NOT_NATIVE`, `ERR_PEER_WITHOUT_ADMIN`, `ERR_NOT_CONNECTED`
   */
  admin(operation: number, data: Uint8Array): number;
  /** Cancels a request of this end: its answer will not be delivered. */
  cancel(id: number): void;
  /**
   * Answers a request of the peer. Does nothing if the peer does not wait for the answer any more. @throws
   * CallerError `ERR_MESSAGE_TOO_LARGE`, PeerError `ERR_TOO_LARGE_FOR_PEER`; then the request must still be answered.
   */
  answer(id: number, data: Uint8Array): void;
  /**
   * Like {@link answer}, with a failure, and never throws. The message is cut to what fits into a frame, and the data
   * are sent only to a peer that can read them.
   */
  fail(id: number, failure: Failure): void;
  /** The application has consumed what arrived with `position`. It consumes in the order of arrival. */
  consumed(lane: ConsumedLane, position: number): void;
  /** Asks the peer to acknowledge soon what its application has consumed. */
  askForAcknowledgement(): void;
  /** @throws PeerError `ERR_PEER_NOT_NATIVE`, `ERR_PEER_WITHOUT_STREAMS` */
  readonly streams: SessionStreams;
  /** Gives the session up: it sends nothing more. */
  abandon(): Leftovers;
}
