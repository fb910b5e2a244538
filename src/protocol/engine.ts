import { PeerError, type SealpipeError } from "../errors.ts";
import type { Close } from "./close.ts";
import {
  closeInHandshakeTimeout,
  connectionLost,
  frameTimeout,
  handshakeTimeout,
  keyExhausted,
} from "./engine-errors.ts";
import type { EngineEvent, EngineOptions } from "./engine-options.ts";
import type { HandshakeStep, Opened } from "./handshake/handshake.ts";
import type { BothKeys } from "./handshake/key-agreement.ts";
import { HandshakeFailure } from "./handshake-failure.ts";
import { HandshakeSequence } from "./handshake-sequence.ts";
import { handshakeGraceMs } from "./limits.ts";
import type { SessionAnswer } from "./native/options.ts";
import { lengthOfParts } from "./parts.ts";
import { Patience } from "./patience.ts";
import type { Profile, ProfileEvent } from "./profile.ts";
import { ReceiveBuffer } from "./receive-buffer.ts";
import { SendBuffer } from "./send-buffer.ts";
import { type Input, nextState, type State } from "./states.ts";

const never = Number.POSITIVE_INFINITY;

/** What the engine waits for, one at a time, and until when. A profile, a close and what lingers have times of their own. */
interface Timer {
  readonly name: "handshake" | "close-in-handshake" | "frame";
  readonly at: number;
}

interface OpenPhase {
  readonly kind: "open";
  readonly profile: Profile;
  readonly openedAt: number;
}

/** Where the connection stands, with what it has there. {@link State} says it more finely. */
type Phase =
  | {
      readonly kind: "handshake";
      readonly handshake: HandshakeSequence;
      /** It closes as soon as it is open. */
      closeRequested: boolean;
    }
  | OpenPhase
  | {
      readonly kind: "closing";
      readonly profile: Profile;
      readonly close: Close;
      /** Why, if we do so for a reason that is an error. */
      readonly reason: PeerError | undefined;
      /** Everything has left, and nothing will be added. */
      allHasLeft: boolean;
    }
  | {
      readonly kind: "closed";
      readonly profile: Profile | undefined;
      readonly failed: boolean;
      /** How long the peer may still take what was written, if anything is worth waiting for. */
      linger: Patience | undefined;
    };

/**
 * One connection, from the first byte of the handshake to its end, as a state machine: bytes and times go in, events
 * and bytes come out. The driver moves the bytes, fetches the events and calls {@link handleTimeout} at
 * {@link nextTimeout}; nothing here waits.
 *
 * Bytes are decoded when the driver calls {@link nextEvent}, not when they arrive, so a driver that stops calling it,
 * and then stops reading, holds up the peer.
 */
export class Engine {
  readonly #options: EngineOptions;
  readonly #input = new ReceiveBuffer();
  readonly #output = new SendBuffer();
  readonly #events: EngineEvent[] = [];
  #state: State;
  #phase: Phase;
  #timer: Timer | undefined;
  /** In the parts that were taken last, until they are returned. */
  #lentBytes = 0;
  #heardFromPeer = false;
  #peerEnd: { readonly cause: Error | undefined } | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
    const { role, limits } = options;
    this.#state = role === "client" ? "client-awaits-hello" : "server-awaits-answer";
    const handshake = new HandshakeSequence(options);
    this.#phase = { kind: "handshake", handshake, closeRequested: false };
    for (const part of handshake.start()) this.#output.pushAlone(part);
    this.#setTimer("handshake", limits.handshakeTimeoutMs);
  }

  get state(): State {
    return this.#state;
  }

  /**
   * Whether everything for the next step of the handshake has arrived, and the step costs much more than it cost the
   * peer.
   */
  get nextStepIsCostly(): boolean {
    return this.#phase.kind === "handshake" && this.#phase.handshake.isCostly(this.#state, this.#input);
  }

  /** The keys that a costly step agrees on, if that is what it does: the driver may have their secret derived elsewhere. */
  get keysToAgreeOn(): BothKeys | undefined {
    if (this.#phase.kind !== "handshake") return undefined;
    return this.#phase.handshake.keysToAgreeOn(this.#state, this.#input);
  }

  /**
   * Lets one costly step be made when the next event is asked for, if costly steps have to be allowed. The engine wipes
   * `sharedSecret`, which is what {@link keysToAgreeOn} come to.
   */
  allowCostlyStep(sharedSecret?: Uint8Array): void {
    if (this.#phase.kind === "handshake") this.#phase.handshake.allowCostlyStep(sharedSecret);
    else sharedSecret?.fill(0);
  }

  /** Whether anything has arrived from the peer. */
  get hasHeard(): boolean {
    return this.#heardFromPeer;
  }

  /** Bytes that were sent and have not left or, on the native profile, are not consumed by the peer. */
  get queuedBytes(): number {
    return this.#output.length + (this.#profile?.session.queuedBytes ?? 0);
  }

  /** Bytes that {@link takeOutput} has yet to return. */
  get unsentBytes(): number {
    return this.#output.length + (this.#profile?.unsentBytes ?? 0);
  }

  /** Whether the driver has to stop reading the transport while the application does not read. */
  get needsPausing(): boolean {
    return this.#profile?.needsPausing === true && !this.outputEnded;
  }

  /** Whether the key has sealed as many messages as it may: nothing more can be sent, and the engine closes. */
  get isSpent(): boolean {
    return this.#profile?.isSpent === true;
  }

  /** True once nothing will be added to the output: when that is written, the driver ends the transport. */
  get outputEnded(): boolean {
    const phase = this.#phase;
    switch (phase.kind) {
      case "closing":
        return !phase.close.isHeld && phase.profile.outputEnded;
      case "closed":
        return phase.profile?.outputEnded ?? true;
      default:
        return false;
    }
  }

  /** Whether it has ended with an error: when its output is written, the driver destroys the transport. */
  get hasFailed(): boolean {
    return this.#phase.kind === "closed" && this.#phase.failed;
  }

  /** Whether it is over, and nothing that is still to leave is worth waiting for: the driver destroys the transport. */
  get isDone(): boolean {
    return this.#phase.kind === "closed" && this.#phase.linger === undefined;
  }

  /** Bytes from the peer. Never throws because of their content. From now on the chunk belongs to the engine. */
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
    this.#peerEnd ??= { cause };
    if (!this.#isEnding || this.#listensToTheEnd) return;
    // What was written before the close, and had not left when the transport failed, never will.
    const lost =
      cause !== undefined && this.#phase.kind === "closing" && this.#phase.close.allHasLeft === false;
    this.#finish("end", lost ? connectionLost("before everything written had left", cause) : undefined);
  }

  /** The next event. Call it until there is none, after each `receive`, `receiveEnd`, `close` and `handleTimeout`. */
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
   * The parts of the next write, or none. Call it until there are none, but not before the transport has handed all
   * of the last write to the system: then an empty result means that everything has left.
   *
   * The parts belong to the caller, and then to the transport, until {@link returnOutput}. If the transport ends
   * before it has handed all of them to the system, do not call that: their memory is never used again.
   */
  takeOutput(): Uint8Array[] {
    this.#closeIfSpent();
    const own = this.#output.take();
    const parts = own.length > 0 ? own : (this.#profile?.takeOutput() ?? own);
    this.#lentBytes = lengthOfParts(parts);
    this.#noteProgress(parts.length === 0);
    return parts;
  }

  /** The transport is done with the parts that {@link takeOutput} returned last: their memory can be used again. */
  returnOutput(): void {
    this.#lentBytes = 0;
    this.#output.returnTaken();
    this.#profile?.returnOutput();
  }

  /** Prepares the next write while the last is on its way, if there is much to send. */
  prepareOutput(): void {
    this.#profile?.prepareOutput();
  }

  /**
   * Ends the engine in order: what was sent leaves first; what has arrived and was not fetched by now is dropped.
   * During the handshake the close waits until that is over, and a client's waits for a moment after it.
   */
  close(): void {
    this.#move("close");
    const phase = this.#phase;
    if (phase.kind === "open") this.#startClosing(phase);
    if (phase.kind !== "handshake" || phase.closeRequested) return;
    // Without a profile the handshake goes on, and needs what has arrived of its next part.
    phase.closeRequested = true;
    this.#setTimer("close-in-handshake", this.#closeInHandshakeMs);
  }

  /**
   * Answers a `resume` event, in the same turn: with the session of that id, with why that is over, or with nothing if the server
   * has no such session. The engine then checks whether the client can prove that the session is its own. If so, `open` follows,
   * and the session's previous connection must neither send nor receive anything more.
   */
  resume(session: SessionAnswer): void {
    const phase = this.#phase;
    if (this.#state !== "server-awaits-session" || phase.kind !== "handshake") return;
    try {
      // An engine that closes takes no session over: the session stays with its connection.
      const step = phase.handshake.resume(phase.closeRequested ? undefined : session);
      if (step !== undefined) this.#perform(step);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The transport is gone: the engine is not used any more, and its remaining keys are wiped. */
  abandon(): void {
    this.#finish("end");
    if (this.#phase.kind === "closed") this.#phase.linger = undefined;
    this.#profile?.finish(false, true);
  }

  /** When to call {@link handleTimeout}, on the engine's clock; `undefined` for never. */
  nextTimeout(): number | undefined {
    const phase = this.#phase;
    if (phase.kind === "closed") return phase.linger?.at;
    const at = Math.min(
      this.#timer?.at ?? never,
      phase.kind === "closing" ? phase.close.at : never,
      this.#profile?.nextTimeout() ?? never,
    );
    return at === never ? undefined : at;
  }

  /**
   * Ends the engine, or its wait for the peer after the end, if a deadline has passed at `now`, on its clock. A call before that
   * does nothing.
   */
  handleTimeout(now: number): void {
    const timer = this.#timer;
    if (timer !== undefined && now >= timer.at) this.#finish("timeout", this.#timeoutError(timer));
    const phase = this.#phase;
    if (phase.kind === "closing" && now >= phase.close.at) {
      const end = phase.close.handleTimeout(now);
      if (end !== undefined) this.#finish("timeout", end.error);
    } else if (phase.kind === "closed" && phase.linger !== undefined && now >= phase.linger.at) {
      phase.linger = undefined;
    }
    if (this.#phase.kind !== "closed") this.#handleProfileTimeout(now);
  }

  get #profile(): Profile | undefined {
    return this.#phase.kind === "handshake" ? undefined : this.#phase.profile;
  }

  get #isEnding(): boolean {
    return this.#phase.kind === "closing" || this.#phase.kind === "closed";
  }

  /** Closing, on a profile whose peer reports when it has received everything and is done, too. */
  get #listensToTheEnd(): boolean {
    return this.#phase.kind === "closing" && this.#phase.profile.answersClose;
  }

  #move(input: Input): void {
    this.#state = nextState(this.#state, input);
  }

  /** The next event, or whether there may be more to do: a queued event, or a further step of the handshake. */
  #advance(): EngineEvent | boolean {
    if (this.#isEnding && !this.#listensToTheEnd) return false;
    const phase = this.#phase;
    const progressed =
      phase.kind === "handshake"
        ? this.#advanceHandshake(phase.handshake)
        : this.#receiveFrom(phase.profile as Profile);
    if (!progressed && this.#peerEnd !== undefined) this.#finish("end", this.#lossAtEnd(this.#peerEnd.cause));
    return progressed;
  }

  #advanceHandshake(handshake: HandshakeSequence): boolean {
    const step = handshake.advance(this.#state, this.#input);
    if (step !== undefined) this.#perform(step);
    return step !== undefined;
  }

  #perform(step: HandshakeStep): void {
    this.#move(step.input);
    for (const part of step.output) this.#output.pushAlone(part);
    if (step.resumes !== undefined) this.#events.push({ kind: "resume", sessionId: step.resumes });
    if (step.opened !== undefined) this.#open(step.opened);
  }

  #open({ profile, native, refused }: Opened): void {
    const closes = refused !== undefined || (this.#phase.kind === "handshake" && this.#phase.closeRequested);
    const phase: OpenPhase = { kind: "open", profile, openedAt: this.#options.clock.now() };
    this.#phase = phase;
    if (closes) {
      // A new session is not in use yet: no client can resume it.
      if (native?.resumed === false) native.session.forgetIdentity();
      this.#move("close");
      this.#startClosing(phase, refused);
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
    // A frame was completed: the remaining bytes began after it.
    if (this.#input.length < bytesBefore) this.#timer = undefined;
    if (event !== undefined) {
      const told = this.#handle(event);
      this.#closeIfSpent();
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

  /** Whether there may be more. What still arrives is dropped, and not acknowledged. */
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

  /** In order: what was sent goes out first. An end that connects again agrees on another key. */
  #closeIfSpent(): void {
    const phase = this.#phase;
    if (phase.kind !== "open" || !phase.profile.isSpent) return;
    this.#move("close");
    this.#startClosing(phase, keyExhausted());
  }

  #startClosing({ profile, openedAt }: OpenPhase, reason?: PeerError): void {
    const { role, clock, limits } = this.#options;
    const { closeTimeoutMs } = limits;
    this.#timer = undefined;
    const { queuedBytes } = this;
    const close = profile.close({ role, now: clock.now(), openedAt, queuedBytes, closeTimeoutMs });
    this.#phase = { kind: "closing", profile, close, reason, allHasLeft: false };
    if (profile.answersClose) return;
    this.#input.clear();
    if (this.#peerEnd !== undefined) this.#finish("end");
  }

  /** The output was taken, and if `isEmpty`, there was none. */
  #noteProgress(isEmpty: boolean): void {
    const phase = this.#phase;
    if (phase.kind === "closing") {
      phase.allHasLeft = isEmpty && this.outputEnded;
      phase.close.progressed({ queuedBytes: this.queuedBytes, isEmpty, now: this.#options.clock.now() });
    } else if (phase.kind === "closed") {
      phase.linger?.left(this.unsentBytes + this.#lentBytes, this.#options.clock.now());
    }
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
      this.#finish("fault", error.error, error.lastWords);
      return;
    }
    // Any other error is a defect of this library, and must not be hidden.
    if (!(error instanceof PeerError)) throw error;
    this.#finish("fault", error);
  }

  #finish(input: "end" | "fault" | "timeout", error?: SealpipeError, lastWords?: Uint8Array): void {
    const before = this.#phase;
    this.#move(input);
    if (before.kind === "closed") return;
    this.#timer = undefined;
    this.#input.clear();
    if (before.kind === "handshake") before.handshake.wipe();
    // A peer that ended its side may still read what was sent to it; in any other case it gets no more.
    if (input !== "end") this.#output.clear();
    if (lastWords !== undefined) this.#output.pushAlone(lastWords);
    const profile = this.#profile;
    profile?.finish(input === "end", error !== undefined);
    const cause = (before.kind === "closing" ? before.reason : undefined) ?? error;
    this.#phase = { kind: "closed", profile, failed: cause !== undefined, linger: undefined };
    if (this.#isWorthLingering(before, cause)) this.#phase.linger = this.#newLinger();
    this.#events.push(cause === undefined ? { kind: "closed" } : { kind: "closed", error: cause });
  }

  #isWorthLingering(before: Phase, cause: SealpipeError | undefined): boolean {
    if (before.kind === "closing" && before.allHasLeft) return false;
    // What a native peer has not received is sent again if it comes back, and this transport must be gone by then.
    if (cause !== undefined && this.#profile?.name === "native") return false;
    return cause?.code !== "ERR_CLOSE_TIMEOUT";
  }

  /** The peer may still read what was written to it, but it does not get for ever to do so. */
  #newLinger(): Patience {
    const { clock, limits } = this.#options;
    const amount = this.unsentBytes + this.#lentBytes;
    return new Patience(limits.closeTimeoutMs, { amount, now: clock.now() });
  }

  /** What the end of the transport means once everything that has arrived is decoded as far as possible. */
  #lossAtEnd(cause: Error | undefined): SealpipeError | undefined {
    if (this.#profile === undefined) return connectionLost("in the handshake", cause);
    if (this.#input.length > 0) return connectionLost("within a frame", cause);
    return this.#profile.lossAtEnd(this.#state === "closing", cause);
  }
}
