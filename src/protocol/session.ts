import { CallerError, PeerError, type SealpipeError } from "../errors.ts";
import type { CryptoProvider } from "./crypto-provider.ts";
import { ClientHandshake } from "./handshake/client.ts";
import { type Handshake, HandshakeFailure, type Opened } from "./handshake/handshake.ts";
import { ServerHandshake } from "./handshake/server.ts";
import { endGraceMs, handshakeGraceMs, type SessionLimits, settleAfterOpenMs } from "./limits.ts";
import { checkMessage, type MessageContent } from "./message.ts";
import type { Profile } from "./profile.ts";
import { ReceiveBuffer } from "./receive-buffer.ts";
import { SendBuffer } from "./send-buffer.ts";
import { closeTimeout, connectionLost, frameTimeout, handshakeTimeout } from "./session-errors.ts";
import { type Input, nextState, type State } from "./states.ts";

/** The time, in milliseconds from any fixed point; it never goes back. */
export interface Clock {
  now(): number;
}

export interface SessionOptions {
  readonly role: "client" | "server";
  /** Server: whether it encrypts. Client: whether it insists; one that does not follows the server. */
  readonly encryption: boolean;
  readonly limits: SessionLimits;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
}

export type SessionEvent =
  | { readonly kind: "open"; readonly profile: Profile["name"]; readonly encrypted: boolean }
  | { readonly kind: "message"; readonly content: MessageContent }
  /** The last event. Without an error the end was orderly. */
  | { readonly kind: "closed"; readonly error?: SealpipeError };

/** A time, and what to do once it has passed. */
interface Deadline {
  readonly at: number;
  readonly passed: () => void;
}

/**
 * One conversation, from the first byte of the handshake to its end, as a state machine: bytes and times go in, events
 * and bytes come out. Whoever drives it moves the bytes, takes the events and calls {@link handleTimeout} at
 * {@link nextTimeout}; nothing here waits.
 *
 * Bytes are decoded when an event is asked for, not when they arrive, so that a driver that stops asking, and then
 * stops reading, holds up the peer.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #input = new ReceiveBuffer();
  readonly #output = new SendBuffer();
  readonly #events: SessionEvent[] = [];
  readonly #handshake: Handshake;
  #state: State;
  #opened: Opened | undefined;
  #deadline: Deadline | undefined;
  #closeRequested = false;
  #allHasLeft = false;
  /** Closing, but the end is not to be seen by the peer yet. */
  #settling = false;
  #openedAt = 0;
  #heardFromPeer = false;
  #peerEnded = false;
  #peerEndCause: Error | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { role, encryption, crypto, limits } = options;
    const handshakeOptions = { encryption, crypto, maxMessageBytes: limits.maxMessageBytes };
    this.#state = role === "client" ? "client-awaits-hello" : "server-awaits-answer";
    this.#handshake =
      role === "client" ? new ClientHandshake(handshakeOptions) : new ServerHandshake(handshakeOptions);
    for (const part of this.#handshake.start()) this.#output.pushAlone(part);
    this.#setDeadline(limits.handshakeTimeoutMs, () => this.#finish("timeout", this.#handshakeTimeout()));
  }

  get state(): State {
    return this.#state;
  }

  /** Bytes that {@link takeOutput} has yet to give. */
  get queuedBytes(): number {
    return this.#output.length;
  }

  /** True once nothing will be added to the output any more: when it is written, the driver ends the transport. */
  get outputEnded(): boolean {
    return this.#isEnding && !this.#settling;
  }

  /** Bytes from the peer. Never throws for what is in them. The session keeps a view of `chunk`. */
  receive(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#heardFromPeer = true;
    if (this.#isEnding) {
      this.#move("discard");
      return;
    }
    this.#input.push(chunk);
  }

  /** The peer will send no more, because it ended the transport or, where there is a `cause`, because that failed. */
  receiveEnd(cause?: Error): void {
    if (!this.#peerEnded) this.#peerEndCause = cause;
    this.#peerEnded = true;
    if (!this.#isEnding) return;
    // What was written before the close, and had not left when the transport failed, never will.
    const lost = cause !== undefined && !this.#allHasLeft;
    this.#finish("end", lost ? connectionLost("before everything written had left", cause) : undefined);
  }

  /** The next event. Ask until there is none, after each `receive`, `receiveEnd`, `close` and `handleTimeout`. */
  nextEvent(): SessionEvent | undefined {
    try {
      while (this.#events.length === 0 && this.#advance());
    } catch (error) {
      this.#fail(error);
    }
    return this.#events.shift();
  }

  /**
   * The parts of the next write, or none. Ask again until there are none, but not before the transport has given all of
   * the last to the system: what waits is better kept here, and an empty answer means that everything has left.
   */
  takeOutput(): Uint8Array[] {
    const parts = this.#output.take();
    if (this.#state === "closing") this.#closeProgressed(parts.length === 0);
    return parts;
  }

  /**
   * Takes a message; nothing of `data` is needed after the call.
   * @throws CallerError `ERR_NOT_CONNECTED` before the session is open, `ERR_CLOSED` once it ends, `ERR_RESERVED_TYPE`,
   *   `ERR_TYPE_OUT_OF_RANGE`, `ERR_MESSAGE_TOO_LARGE`.
   */
  send(type: number, data: Uint8Array): void {
    if (this.#isEnding || this.#closeRequested) {
      throw new CallerError("ERR_CLOSED", "the connection is closed");
    }
    if (this.#opened === undefined) {
      throw new CallerError("ERR_NOT_CONNECTED", "the handshake is not over yet");
    }
    checkMessage(type, data.length, this.#opened.maxSendBytes);
    this.#move("send");
    this.#opened.profile.encode(type, data, this.#output);
  }

  /**
   * Ends the session in order: what was sent goes out first, what has not been asked for by now is dropped. In the
   * handshake it waits for that to be over, and a client waits for a moment after it.
   */
  close(): void {
    this.#move("close");
    if (this.#closeRequested || this.#state === "closed") return;
    this.#closeRequested = true;
    // The handshake goes on, and needs what has arrived of its next part.
    if (this.#state === "closing") this.#startClosing();
    else this.#setCloseDeadline();
  }

  /** When to call {@link handleTimeout}, on the session's clock; `undefined` for never. */
  nextTimeout(): number | undefined {
    return this.#deadline?.at;
  }

  /** Ends the session where a deadline has passed at `now`, on the session's clock. Too early a call does nothing. */
  handleTimeout(now: number): void {
    const deadline = this.#deadline;
    if (deadline !== undefined && now >= deadline.at) deadline.passed();
  }

  get #isEnding(): boolean {
    return this.#state === "closing" || this.#state === "closed";
  }

  #move(input: Input): void {
    this.#state = nextState(this.#state, input);
  }

  /** True where there may be more to do: an event, or a further step of the handshake. */
  #advance(): boolean {
    if (this.#isEnding) return false;
    const progressed =
      this.#opened === undefined ? this.#advanceHandshake() : this.#receiveMessage(this.#opened);
    if (!progressed && this.#peerEnded) this.#finish("end", this.#lossAtEnd());
    return progressed;
  }

  #advanceHandshake(): boolean {
    const step = this.#handshake.advance(this.#state, this.#input);
    if (step === undefined) return false;
    this.#move(step.input);
    for (const part of step.output) this.#output.pushAlone(part);
    if (step.opened !== undefined) this.#open(step.opened);
    return true;
  }

  #open(opened: Opened): void {
    this.#opened = opened;
    this.#openedAt = this.#options.clock.now();
    if (this.#closeRequested) {
      this.#move("close");
      this.#startClosing();
      return;
    }
    this.#deadline = undefined;
    const { name, encrypted } = opened.profile;
    this.#events.push({ kind: "open", profile: name, encrypted });
  }

  #receiveMessage({ profile }: Opened): boolean {
    const bytesBefore = this.#input.length;
    const content = profile.decode(this.#input);
    // A frame was completed: what is left began after it.
    if (this.#input.length < bytesBefore) this.#deadline = undefined;
    if (content !== undefined) {
      this.#move("message");
      this.#events.push({ kind: "message", content });
      return true;
    }
    if (this.#input.length > 0 && this.#deadline === undefined) {
      const { frameTimeoutMs } = this.#options.limits;
      this.#setDeadline(frameTimeoutMs, () => this.#finish("timeout", frameTimeout(frameTimeoutMs)));
    }
    return false;
  }

  #startClosing(): void {
    this.#input.clear();
    if (this.#peerEnded) {
      this.#finish("end");
      return;
    }
    const settled = (): void => {
      this.#settling = false;
      this.#setCloseDeadline();
    };
    const settleMs = this.#openedAt + settleAfterOpenMs - this.#options.clock.now();
    this.#settling = this.#options.role === "client" && settleMs > 0;
    if (this.#settling) this.#setDeadline(settleMs, settled);
    else settled();
  }

  /** A peer that still takes what was written before the close is not one that hangs. */
  #closeProgressed(allHasLeft: boolean): void {
    if (this.#settling) return;
    if (!allHasLeft) {
      this.#setCloseDeadline();
    } else if (!this.#allHasLeft) {
      this.#allHasLeft = true;
      const { closeTimeoutMs } = this.#options.limits;
      this.#setDeadline(Math.min(closeTimeoutMs, endGraceMs), () => this.#finish("timeout"));
    }
  }

  #setDeadline(afterMs: number, passed: () => void): void {
    this.#deadline = { at: this.#options.clock.now() + afterMs, passed };
  }

  #setCloseDeadline(): void {
    const { closeTimeoutMs } = this.#options.limits;
    const waitMs = this.#opened === undefined ? Math.min(closeTimeoutMs, handshakeGraceMs) : closeTimeoutMs;
    this.#setDeadline(waitMs, () => this.#finish("timeout", closeTimeout(waitMs)));
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
    this.#deadline = undefined;
    this.#settling = false;
    this.#input.clear();
    // A peer that ended its side in order may still read what was sent to it; another gets no more.
    if (input !== "end") this.#output.clear();
    this.#events.push(error === undefined ? { kind: "closed" } : { kind: "closed", error });
  }

  #lossAtEnd(): SealpipeError | undefined {
    if (this.#opened !== undefined && this.#input.length === 0 && this.#peerEndCause === undefined)
      return undefined;
    const where =
      this.#opened === undefined ? "in the handshake" : this.#input.length > 0 ? "within a frame" : "";
    return connectionLost(where, this.#peerEndCause);
  }

  #handshakeTimeout(): SealpipeError {
    const silentServer = this.#options.role === "client" && !this.#heardFromPeer;
    return handshakeTimeout(this.#options.limits.handshakeTimeoutMs, silentServer);
  }
}
