import type { PeerError } from "../../errors.ts";
import type { CryptoProvider } from "../crypto-provider.ts";
import type { NativeAgreement } from "../native/agreement.ts";
import type { NativeOpened } from "../native/options.ts";
import type { NativeSession } from "../native/session.ts";
import type { Profile } from "../profile.ts";
import type { ReceiveBuffer } from "../receive-buffer.ts";
import type { Input, State } from "../states.ts";

/** Which profiles an end speaks: `auto` is native with a peer that does too, and otherwise classic. */
export type ProfileChoice = "auto" | "classic" | "native";

/** What either side's handshake is given. */
export interface HandshakeOptions {
  /** Server: whether it encrypts. Client: whether it insists; one that does not follows the server. */
  readonly encryption: boolean;
  readonly profile: ProfileChoice;
  /** What both ends know and nobody else. With it they speak native and encrypted, or not at all. */
  readonly secret?: Uint8Array | undefined;
  readonly maxMessageBytes: number;
  readonly crypto: CryptoProvider;
}

/** Whether an end speaks with no peer but a native one. */
export function demandsNative({ profile, secret }: HandshakeOptions): boolean {
  return profile === "native" || secret !== undefined;
}

/** Whether an end speaks with no peer but one that encrypts or, as a server, does so itself. */
export function demandsEncryption({ encryption, secret }: HandshakeOptions): boolean {
  return encryption || secret !== undefined;
}

/** Whether an end can speak native at all. */
export function offersNative(options: HandshakeOptions): boolean {
  return options.profile !== "classic" || demandsNative(options);
}

/** One step of the handshake: what arrived, as an input of the engine's table, and what to answer. */
export interface HandshakeStep {
  readonly input: Input;
  /** Parts to send, each in a write of its own. */
  readonly output: readonly Uint8Array[];
  /** With the last step: how to go on. */
  readonly opened?: Opened;
  /** A client asks to go on with the session of that id: {@link Handshake.resume} is to be called. */
  readonly resumes?: Uint8Array;
  /** With the last step if both speak native: how to go on with their hellos. */
  readonly native?: NativeAgreement;
}

export interface Opened {
  readonly profile: Profile;
  /** Where two native ends have opened it. */
  readonly native?: NativeOpened;
  /** Why the engine has to close in order at once: nothing is to be sent or delivered. */
  readonly refused?: PeerError;
}

/** One side of the handshake. */
export interface Handshake {
  /** What to send before anything has arrived. */
  start(): Uint8Array[];
  /**
   * Whether all that the next step in `state` needs has arrived, and the step costs much more than it cost the peer. Absent
   * from a side that has no such step: a client has one peer, which it chose.
   */
  isCostly?(state: State, input: ReceiveBuffer): boolean;
  /**
   * The next step in `state`, or `undefined` until enough has arrived.
   * @throws HandshakeFailure
   */
  advance(state: State, input: ReceiveBuffer): HandshakeStep | undefined;
  /**
   * The answer to a step that `resumes`: the session, or none if there is none that may go on.
   * @throws HandshakeFailure
   */
  resume?(session: NativeSession | undefined): HandshakeStep;
  /** The engine is over: wipes what comes from the key agreement, and was not handed on with a step. */
  wipe(): void;
}

/** The peer's fault, and the last bytes worth sending for it. */
export class HandshakeFailure extends Error {
  readonly error: PeerError;
  readonly lastWords: Uint8Array;

  constructor(error: PeerError, lastWords: Uint8Array) {
    super(error.message);
    this.error = error;
    this.lastWords = lastWords;
  }
}
