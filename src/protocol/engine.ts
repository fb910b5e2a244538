import { PeerError, type SealpipeError } from "../errors.ts";
import type { Close } from "./close.ts";
import type { CryptoProvider } from "./crypto-provider.ts";
import {
  closeInHandshakeTimeout,
  connectionLost,
  frameTimeout,
  handshakeTimeout,
  keyExhausted,
} from "./engine-errors.ts";
import { ClientHandshake } from "./handshake/client.ts";
import {
  type Handshake,
  HandshakeFailure,
  type HandshakeStep,
  type Opened,
  type ProfileChoice,
} from "./handshake/handshake.ts";
import { HelloExchange } from "./handshake/hello-exchange.ts";
import { ServerHandshake } from "./handshake/server.ts";
import { type EngineLimits, handshakeGraceMs } from "./limits.ts";
import type { NativeAgreement } from "./native/agreement.ts";
import type { NativeOpened, NativeOptions } from "./native/options.ts";
import type { NativeSession } from "./native/session.ts";
import type { Profile, ProfileEvent } from "./profile.ts";
import { ReceiveBuffer } from "./receive-buffer.ts";
import { SendBuffer } from "./send-buffer.ts";
import type { Session } from "./session.ts";
import { type Input, nextState, type State } from "./states.ts";

/** The time, in milliseconds from any fixed point; it never goes back. */
export interface Clock {
  now(): number;
}

export interface EngineOptions {
  readonly role: "client" | "server";
  /** Server: whether it encrypts. Client: whether it insists; one that does not follows the server. */
  readonly encryption: boolean;
  /** Default `auto` if there are options for native, else `classic`. */
  readonly profile?: ProfileChoice | undefined;
  readonly secret?: Uint8Array | undefined;
  readonly limits: EngineLimits;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  /** What is needed to speak the native profile. Without it the classic one is spoken. */
  readonly native?: NativeOptions | undefined;
  /** Whether each costly step of the handshake waits until it is allowed. Without it none does. */
  readonly waitsForTurns?: boolean | undefined;
}

export type EngineEvent =
  | {
      readonly kind: "open";
      readonly profile: Profile["name"];
      readonly encrypted: boolean;
      /** What is said to the peer from now on. */
      readonly session: Session;
      readonly native?: NativeOpened | undefined;
    }
  /** A client asks to go on with the session of that id. {@link Engine.resume} answers, before anything else is asked. */
  | { readonly kind: "resume"; readonly sessionId: Uint8Array }
  | Exclude<ProfileEvent, { kind: "peer-closed" }>
  /** The last event. Without an error the end was orderly. */
  | { readonly kind: "closed"; readonly error?: SealpipeError };

const never = Number.POSITIVE_INFINITY;

/** What the engine waits for, one at a time, and until when. A profile and its close have times of their own. */
interface Timer {
  readonly name: "handshake" | "close-in-handshake" | "frame";
  readonly at: number;
}

/**
 * One connection, from the first byte of the handshake to its end, as a state machine: bytes and times go in, events
 * and bytes come out. Whoever drives it moves the bytes, takes the events and calls {@link handleTimeout} at
 * {@link nextTimeout}; nothing here waits.
 *
 * Bytes are decoded when an event is asked for, not when they arrive, so that a driver that stops asking, and then
 * stops reading, holds up the peer.
 */
export class Engine {
  readonly #options: EngineOptions;
  readonly #input = new ReceiveBuffer();
  readonly #output = new SendBuffer();
  readonly #events: EngineEvent[] = [];
  /** Until it is over: what it holds is of no use then. */
  #handshake: Handshake | undefined;
  /** How many costly steps of the handshake may be taken. */
  #allowedSteps: number;
  #state: State;
  #profile: Profile | undefined;
  /** Why the engine closes as soon as it is open. */
  #refused: PeerError | undefined;
  #timer: Timer | undefined;
  #closeRequested = false;
  /** While it is closing. */
  #close: Close | undefined;
  #openedAt = 0;
  #heardFromPeer = false;
  #peerEnded = false;
  #peerEndCause: Error | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
    const { role, encryption, secret, crypto, limits, native } = options;
    const { maxMessageBytes } = limits;
    const profile = native === undefined ? "classic" : (options.profile ?? "auto");
    const handshakeOptions = { encryption, profile, secret, crypto, maxMessageBytes };
    this.#allowedSteps = options.waitsForTurns ? 0 : Number.POSITIVE_INFINITY;
    this.#state = role === "client" ? "client-awaits-hello" : "server-awaits-answer";
    this.#handshake =
      role === "client" ? new ClientHandshake(handshakeOptions) : new ServerHandshake(handshakeOptions);
    for (const part of this.#handshake.start()) this.#output.pushAlone(part);
    this.#setTimer("handshake", limits.handshakeTimeoutMs);
  }

  get state(): State {
    return this.#state;
  }

  /** Whether the next step of the handshake has all it needs, and costs much more than it cost the peer. */
  get nextStepIsCostly(): boolean {
    return this.#handshake?.isCostly?.(this.#state, this.#input) === true;
  }

  /** Lets one costly step be taken when the next event is asked for, if they wait to be allowed. */
  allowCostlyStep(): void {
    this.#allowedSteps = 1;
  }

  /** Whether anything has come from the peer. */
  get hasHeard(): boolean {
    return this.#heardFromPeer;
  }

  /** Bytes that were sent and are not done with: have not left or, on the native profile, are not consumed by the peer. */
  get queuedBytes(): number {
    return this.#output.length + (this.#profile?.session.queuedBytes ?? 0);
  }

  /** Bytes that {@link takeOutput} has yet to give. */
  get unsentBytes(): number {
    return this.#output.length + (this.#profile?.unsentBytes ?? 0);
  }

  /** Whether a driver whose application does not read has to stop reading the transport. */
  get needsPausing(): boolean {
    return this.#profile?.needsPausing === true && !this.outputEnded;
  }

  /** Whether it closes, or is to, because its key has sealed all that it may: nothing more can be sent by it. */
  get isSpent(): boolean {
    return this.#profile?.isSpent === true;
  }

  /** True once nothing will be added to the output any more: when it is written, the driver ends the transport. */
  get outputEnded(): boolean {
    return this.#isEnding && !this.#close?.isHeld && (this.#profile?.outputEnded ?? true);
  }

  /** Bytes from the peer. Never throws for what is in them. The chunk is the engine's from now on. */
  receive(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#heardFromPeer = true;
    this.#profile?.heard();
    if (this.#isEnding && !this.#listensToTheEnd) {
      this.#move("discard");
      return;
    }
    this.#input.push(chunk);
  }

  /** The peer will send no more, because it ended the transport or, if there is a `cause`, because that failed. */
  receiveEnd(cause?: Error): void {
    if (!this.#peerEnded) this.#peerEndCause = cause;
    this.#peerEnded = true;
    if (!this.#isEnding || this.#listensToTheEnd) return;
    // What was written before the close, and had not left when the transport failed, never will.
    const lost = cause !== undefined && this.#close?.allHasLeft === false;
    this.#finish("end", lost ? connectionLost("before everything written had left", cause) : undefined);
  }

  /** The next event. Ask until there is none, after each `receive`, `receiveEnd`, `close` and `handleTimeout`. */
  nextEvent(): EngineEvent | undefined {
    try {
      while (this.#events.length === 0) {
        const progress = this.#advance();
        if (typeof progress === "object") return progress;
        if (!progress) break;
      }
    } catch (error) {
      this.#fail(error);
    }
    return this.#events.length > 0 ? this.#events.shift() : undefined;
  }

  /**
   * The parts of the next write, or none. Ask again until there are none, but not before the transport has given all of
   * the last to the system: an empty answer then means that everything has left.
   *
   * The parts are the caller's, and after it the transport's, until {@link returnOutput}. If the transport ends before it
   * has let go of them, nothing is returned, and their memory is never used again.
   */
  takeOutput(): Uint8Array[] {
    if (this.#profile !== undefined && !this.#isEnding) this.#closeIfSpent(this.#profile);
    const own = this.#output.take();
    const parts = own.length > 0 ? own : (this.#profile?.takeOutput() ?? own);
    this.#close?.progressed({
      queuedBytes: this.queuedBytes,
      isEmpty: parts.length === 0,
      now: this.#options.clock.now(),
    });
    return parts;
  }

  /** The transport has let go of the parts that were taken last: what they lie in can be used again. */
  returnOutput(): void {
    this.#output.returnTaken();
    this.#profile?.returnOutput();
  }

  /** Makes the next write ready if there is much to send, in the time in which the last is on its way. */
  prepareOutput(): void {
    this.#profile?.prepareOutput();
  }

  /**
   * Ends the engine in order: what was sent goes out first, what has not been asked for by now is dropped. In the
   * handshake it waits for that to be over, and a client waits for a moment after it.
   */
  close(): void {
    this.#move("close");
    if (this.#closeRequested || this.#state === "closed") return;
    this.#closeRequested = true;
    // The handshake goes on, and needs what has arrived of its next part.
    if (this.#profile !== undefined) {
      this.#startClosing(this.#profile);
      return;
    }
    this.#setTimer("close-in-handshake", this.#closeInHandshakeMs);
  }

  /**
   * Answers a `resume` event, in the same turn: the session with that id, or none if no client may go on with it. Whether
   * the client can prove that it is the one is seen here; if it can, `open` follows, and the connection that the session
   * had is to say and hear nothing more.
   */
  resume(session: NativeSession | undefined): void {
    if (this.#state !== "server-awaits-session") return;
    try {
      // What closes takes nothing over: the session is still its connection's.
      const step = this.#handshake?.resume?.(this.#closeRequested ? undefined : session);
      if (step !== undefined) this.#perform(step);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The transport is gone: nothing more is asked of this, and the keys that it still has are wiped. */
  abandon(): void {
    this.#finish("end");
    this.#profile?.finish(false, true);
  }

  /** When to call {@link handleTimeout}, on the engine's clock; `undefined` for never. */
  nextTimeout(): number | undefined {
    const at = Math.min(
      this.#timer?.at ?? never,
      this.#close?.at ?? never,
      this.#profile?.nextTimeout() ?? never,
    );
    return at === never || this.#state === "closed" ? undefined : at;
  }

  /** Ends the engine if a time has passed at `now`, on the engine's clock. Too early a call does nothing. */
  handleTimeout(now: number): void {
    const timer = this.#timer;
    if (timer !== undefined && now >= timer.at) this.#finish("timeout", this.#timeoutError(timer));
    if (this.#close !== undefined && now >= this.#close.at) {
      const end = this.#close.handleTimeout(now);
      if (end !== undefined) this.#finish("timeout", end.error);
    }
    if (this.#state !== "closed") this.#handleProfileTimeout(now);
  }

  get #isEnding(): boolean {
    return this.#state === "closing" || this.#state === "closed";
  }

  /** Closing, on a profile on which the peer says when it has all and is done too. */
  get #listensToTheEnd(): boolean {
    return this.#state === "closing" && this.#profile?.answersClose === true;
  }

  #move(input: Input): void {
    this.#state = nextState(this.#state, input);
  }

  /** The next event, or whether there may be more to do: an event that waits, or a further step of the handshake. */
  #advance(): EngineEvent | boolean {
    if (this.#isEnding && !this.#listensToTheEnd) return false;
    const profile = this.#profile;
    const progressed = profile === undefined ? this.#advanceHandshake() : this.#receiveFrom(profile);
    if (!progressed && this.#peerEnded) this.#finish("end", this.#lossAtEnd());
    return progressed;
  }

  #advanceHandshake(): boolean {
    if (this.nextStepIsCostly) {
      if (this.#allowedSteps === 0) return false;
      this.#allowedSteps -= 1;
    }
    const step = (this.#handshake as Handshake).advance(this.#state, this.#input);
    if (step === undefined) return false;
    this.#perform(step);
    return true;
  }

  #perform(step: HandshakeStep): void {
    this.#move(step.input);
    for (const part of step.output) this.#output.pushAlone(part);
    if (step.resumes !== undefined) this.#events.push({ kind: "resume", sessionId: step.resumes });
    if (step.native !== undefined) this.#exchangeHellos(step.native);
    if (step.opened !== undefined) this.#open(step.opened);
  }

  #exchangeHellos(agreement: NativeAgreement): void {
    const { crypto, clock, limits, native, role } = this.#options;
    // Without these options native was not offered.
    const options = {
      crypto,
      clock,
      native: native as NativeOptions,
      maxMessageBytes: limits.maxMessageBytes,
      frameTimeoutMs: limits.frameTimeoutMs,
    };
    const exchange = new HelloExchange(agreement, options);
    this.#handshake = exchange;
    if (role === "client") for (const part of exchange.start()) this.#output.pushAlone(part);
  }

  #open({ profile, native, refused }: Opened): void {
    this.#handshake = undefined;
    this.#profile = profile;
    this.#openedAt = this.#options.clock.now();
    this.#refused = refused;
    this.#closeRequested ||= refused !== undefined;
    if (this.#closeRequested) {
      // One that has just begun is nobody's yet.
      if (native?.resumed === false) native.session.forgetIdentity();
      this.#move("close");
      this.#startClosing(profile);
      return;
    }
    this.#timer = undefined;
    const { name, encrypted, session } = profile;
    this.#events.push({ kind: "open", profile: name, encrypted, session, native });
  }

  #receiveFrom(profile: Profile): EngineEvent | boolean {
    const bytesBefore = this.#input.length;
    const event = profile.receive(this.#input);
    if (this.#state === "closing") return this.#dropWhileClosing(event);
    // A frame was completed: what is left began after it.
    if (this.#input.length < bytesBefore) this.#timer = undefined;
    if (event !== undefined) {
      const told = this.#handle(event);
      this.#closeIfSpent(profile);
      return told;
    }
    if (this.#input.length > 0 && this.#timer === undefined) {
      this.#setTimer("frame", this.#options.limits.frameTimeoutMs);
    }
    return false;
  }

  #handle(event: ProfileEvent): EngineEvent | boolean {
    if (event.kind === "peer-closed") {
      this.#finish("end");
      return true;
    }
    this.#move("message");
    return event;
  }

  /** Whether there may be more. What still arrives is taken by nobody, and the peer is not told that it was. */
  #dropWhileClosing(event: ProfileEvent | undefined): boolean {
    this.#move("discard");
    if (event?.kind === "peer-closed") this.#finish("end");
    return event !== undefined;
  }

  #handleProfileTimeout(now: number): void {
    try {
      this.#profile?.handleTimeout(now);
    } catch (error) {
      this.#finish("timeout", error as PeerError);
    }
  }

  /** In order: what was sent goes out first. Whoever connects again agrees on another key. */
  #closeIfSpent(profile: Profile): void {
    if (!profile.isSpent) return;
    this.#refused = keyExhausted();
    this.close();
  }

  #startClosing(profile: Profile): void {
    const { role, clock, limits } = this.#options;
    this.#timer = undefined;
    this.#close = profile.close({
      role,
      now: clock.now(),
      openedAt: this.#openedAt,
      queuedBytes: this.queuedBytes,
      closeTimeoutMs: limits.closeTimeoutMs,
    });
    if (profile.answersClose) return;
    this.#input.clear();
    if (this.#peerEnded) this.#finish("end");
  }

  #setTimer(name: Timer["name"], afterMs: number): void {
    this.#timer = { name, at: this.#options.clock.now() + afterMs };
  }

  get #closeInHandshakeMs(): number {
    return Math.min(this.#options.limits.closeTimeoutMs, handshakeGraceMs);
  }

  #timeoutError({ name }: Timer): SealpipeError {
    const { role, limits } = this.#options;
    switch (name) {
      case "handshake":
        return handshakeTimeout(limits.handshakeTimeoutMs, role === "client" && !this.#heardFromPeer);
      case "close-in-handshake":
        return closeInHandshakeTimeout(this.#closeInHandshakeMs);
      case "frame":
        return frameTimeout(limits.frameTimeoutMs);
    }
  }

  #fail(error: unknown): void {
    if (error instanceof HandshakeFailure) {
      this.#finish("fault", error.error);
      this.#output.pushAlone(error.lastWords);
      return;
    }
    // Anything else than a peer's fault is a mistake of this library's, and is not hidden.
    if (!(error instanceof PeerError)) throw error;
    this.#finish("fault", error);
  }

  #finish(input: "end" | "fault" | "timeout", error?: SealpipeError): void {
    const wasClosed = this.#state === "closed";
    this.#move(input);
    if (wasClosed) return;
    this.#timer = undefined;
    this.#close = undefined;
    this.#input.clear();
    this.#handshake?.wipe();
    // A peer that ended its side may still read what was sent to it; another gets no more.
    if (input !== "end") this.#output.clear();
    this.#profile?.finish(input === "end", error !== undefined);
    const cause = this.#refused ?? error;
    this.#events.push(cause === undefined ? { kind: "closed" } : { kind: "closed", error: cause });
  }

  /** What the end of the transport means once nothing more can be made of what has arrived. */
  #lossAtEnd(): SealpipeError | undefined {
    const cause = this.#peerEndCause;
    if (this.#profile === undefined) return connectionLost("in the handshake", cause);
    if (this.#input.length > 0) return connectionLost("within a frame", cause);
    return this.#profile.lossAtEnd(this.#state === "closing", cause);
  }
}
