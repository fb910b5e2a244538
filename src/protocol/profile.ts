import type { PeerError } from "../errors.ts";
import type { Close, CloseStart } from "./close.ts";
import type { ReceiveBuffer } from "./receive-buffer.ts";
import type { Failure, Session, StreamEvent, TraceContext } from "./session.ts";

/** What a peer sends once the handshake is over. */
export type ProfileEvent =
  /** The position is for `Session.consumed`. */
  | { readonly kind: "message"; readonly type: number; readonly data: Uint8Array; readonly position: number }
  | {
      readonly kind: "request";
      readonly id: number;
      readonly type: number;
      readonly data: Uint8Array;
      readonly context: TraceContext | undefined;
      readonly position: number;
    }
  /** A client's request to the library itself. */
  | {
      readonly kind: "admin-request";
      readonly id: number;
      readonly operation: number;
      readonly data: Uint8Array;
      readonly position: number;
    }
  | { readonly kind: "answer"; readonly id: number; readonly data: Uint8Array }
  | ({ readonly kind: "failure"; readonly id: number } & Failure)
  | { readonly kind: "cancel"; readonly id: number }
  | StreamEvent
  /** The peer sends nothing more, and expects nothing more. */
  | { readonly kind: "peer-closed" };

/** Encodes and decodes what two ends send each other once the handshake is over. */
export interface Profile {
  readonly name: "classic" | "native";
  readonly encrypted: boolean;
  /** Through which everything to the peer is sent. */
  readonly session: Session;
  /**
   * Whether the peer may send without limit, so that the driver must stop reading the transport while messages are
   * not read.
   */
  readonly needsPausing: boolean;
  /** Whether its key has sealed as many messages as it may: the engine closes. */
  readonly isSpent: boolean;
  /** Bytes that {@link takeOutput} has yet to return. */
  readonly unsentBytes: number;
  /** After a close: whether nothing more will be added to the output. */
  readonly outputEnded: boolean;
  /**
   * The next event, or `undefined` until all of it has arrived. @throws PeerError for bytes that are invalid.
   */
  receive(input: ReceiveBuffer): ProfileEvent | undefined;
  /** Something has arrived from the peer. */
  heard(): void;
  /** The parts of the next write, or none. Their memory belongs to the caller until {@link returnOutput}. */
  takeOutput(): Uint8Array[];
  /** Nobody reads the last parts of {@link takeOutput} any more. Not called if the connection ends before that. */
  returnOutput(): void;
  /** Prepares the next write while the last is on its way, if there is much to send. */
  prepareOutput(): void;
  /**
   * Whether the peer, after a close of this end, reports when it has received everything and is done, too: until then
   * it is read.
   */
  readonly answersClose: boolean;
  /** Nothing more will be sent. What was sent leaves first. */
  close(start: CloseStart): Close;
  /**
   * What the end of the transport means between two frames: an error, unless the peer was done. `closing`: this end
   * has closed.
   */
  lossAtEnd(closing: boolean, cause: Error | undefined): PeerError | undefined;
  /**
   * The engine has ended, and its keys are wiped. `orderly`: the peer may still get a last frame, and the keys for it
   * are wiped afterwards; otherwise it gets nothing more. `lost`: it ended with an error. Default: false.
   */
  finish(orderly: boolean, lost?: boolean): void;
  /** When to call {@link handleTimeout}, on the engine's clock; `Infinity` for never. */
  nextTimeout(): number;
  /** @throws PeerError if the peer was too late. */
  handleTimeout(now: number): void;
}
