import type { PeerError } from "../../errors.ts";
import type { NativeAgreement } from "../native/agreement.ts";
import type { NativeOpened, SessionAnswer } from "../native/options.ts";
import type { Profile } from "../profile.ts";
import type { ReceiveBuffer } from "../receive-buffer.ts";
import type { Input, State } from "../states.ts";
import type { BothKeys } from "./key-agreement.ts";

/** One step of the handshake: what arrived, as an input of the engine's table, and the answer. */
export interface HandshakeStep {
  readonly input: Input;
  /** Parts to send, each in a write of its own. */
  readonly output: readonly Uint8Array[];
  /** Set by the last step: how to go on. */
  readonly opened?: Opened;
  /** A client wants to resume the session with this id: {@link Handshake.resume} is to be called. */
  readonly resumes?: Uint8Array;
  /** Set by the last step if both ends speak native: how to go on with their hellos. */
  readonly native?: NativeAgreement;
}

export interface Opened {
  readonly profile: Profile;
  /** Set if two native ends have opened the connection. */
  readonly native?: NativeOpened;
  /** Why the engine has to close in order at once, without sending or delivering anything. */
  readonly refused?: PeerError;
}

/** One side of the handshake. */
export interface Handshake {
  /** The parts to send before anything has arrived. */
  start(): Uint8Array[];
  /**
   * Whether everything for the next step in `state` has arrived, and the step costs much more than it cost the peer.
   * Absent at a client: it has one peer, which it chose.
   */
  isCostly?(state: State, input: ReceiveBuffer): boolean;
  /** The keys that the next step in `state` agrees on, if it does. */
  keysToAgreeOn?(state: State, input: ReceiveBuffer): BothKeys | undefined;
  /** What {@link keysToAgreeOn} come to, so that the next step need not derive it. The handshake wipes it. */
  derived?(sharedSecret: Uint8Array): void;
  /**
   * The next step in `state`, or `undefined` until enough has arrived.
   * @throws HandshakeFailure
   */
  advance(state: State, input: ReceiveBuffer): HandshakeStep | undefined;
  /**
   * The answer to a step that `resumes`: the session, or none if there is none that may go on, or why it is over.
   * @throws HandshakeFailure
   */
  resume?(session: SessionAnswer): HandshakeStep;
  /** The engine has ended: wipes what is derived from the key agreement and was not passed on by a step. */
  wipe(): void;
}
