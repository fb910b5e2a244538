import type { PeerError } from "../errors.ts";
import type { Close, CloseStart } from "./close.ts";
import type { ReceiveBuffer } from "./receive-buffer.ts";
import type { Failure, Session } from "./session.ts";

/** What a peer says once the handshake is over. */
export type ProfileEvent =
  /** The position is for `Session.consumed`. */
  | { readonly kind: "message"; readonly type: number; readonly data: Uint8Array; readonly position: number }
  | {
      readonly kind: "request";
      readonly id: number;
      readonly type: number;
      readonly data: Uint8Array;
      readonly position: number;
    }
  | { readonly kind: "answer"; readonly id: number; readonly data: Uint8Array }
  | ({ readonly kind: "failure"; readonly id: number } & Failure)
  | { readonly kind: "cancel"; readonly id: number }
  /** It sends nothing more, and wants nothing more. */
  | { readonly kind: "peer-closed" };

/** How what two ends say stands on the wire once the handshake is over. */
export interface Profile {
  readonly name: "classic" | "native";
  readonly encrypted: boolean;
  /** What is said to the peer. */
  readonly session: Session;
  /** Whether the peer may send without end, so that who does not read its messages must not read the transport. */
  readonly needsPausing: boolean;
  /** Whether its key has sealed all that it may: the engine closes. */
  readonly isSpent: boolean;
  /** What {@link takeOutput} has yet to give. */
  readonly unsentBytes: number;
  /** After a close: nothing will be added to the output any more. */
  readonly outputEnded: boolean;
  /**
   * The next event, or `undefined` until all of it is there.
   * @throws PeerError for bytes that are none.
   */
  receive(input: ReceiveBuffer): ProfileEvent | undefined;
  /** Something has come from the peer. */
  heard(): void;
  /** The parts of the next write, or none. Their memory is the caller's until {@link returnOutput}. */
  takeOutput(): Uint8Array[];
  /** Nobody reads the parts that were taken last any more. Not called if the connection ends before that. */
  returnOutput(): void;
  /** Makes the next write ready, where there is much to send: there is time for it while the last is on its way. */
  prepareOutput(): void;
  /** Whether the peer says, after a close of ours, when it has all and is done too: it is heard until then. */
  readonly answersClose: boolean;
  /** Nothing more will be sent. What was goes out first. */
  close(start: CloseStart): Close;
  /** What the end of the transport means between two frames: an error, unless the peer was done. `closing`: we have closed. */
  lossAtEnd(closing: boolean, cause: Error | undefined): PeerError | undefined;
  /**
   * The engine is over, and its keys are wiped. `orderly`: the peer may still be told so, and the keys that this takes are
   * wiped after it; otherwise it gets nothing more. `lost`: it is over for an error. Default: false.
   */
  finish(orderly: boolean, lost?: boolean): void;
  /** When to call {@link handleTimeout}, on the engine's clock; `Infinity` for never. */
  nextTimeout(): number;
  /** @throws PeerError where the peer has not done in time what it should. */
  handleTimeout(now: number): void;
}
