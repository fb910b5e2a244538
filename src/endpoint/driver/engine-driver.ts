import { nodeCrypto, platformCrypto } from "../../crypto/node.ts";
import type { SealpipeError } from "../../errors.ts";
import { isShared } from "../../protocol/data-memory.ts";
import { Engine, type EngineEvent } from "../../protocol/engine.ts";
import type { ProfileChoice } from "../../protocol/handshake/handshake.ts";
import type { EngineLimits } from "../../protocol/limits.ts";
import type { NativeOptions } from "../../protocol/native/options.ts";
import type { NativeSession } from "../../protocol/native/session.ts";
import { Patience } from "../../protocol/patience.ts";
import { batchBytes } from "../../protocol/send-buffer.ts";
import { clearTimeout, setImmediate, setTimeout } from "../../transport/timers.ts";
import type { Transport, TransportHandler } from "../../transport/transport.ts";
import { clock } from "../clock.ts";
import { keepWhole } from "../messages/shared-buffer.ts";
import { engineLimits } from "../options/options.ts";
import type { ReadQuota } from "../reading/read-quota.ts";
import type { HandshakeTurns } from "./handshake-turns.ts";

/** Each is given, if only as `undefined`: what is not there would be looked for in `Object.prototype`. */
export interface DriverOptions extends EngineLimits {
  readonly role: "client" | "server";
  readonly encryption: boolean;
  /** What the application has yet to read of the messages that are told. */
  readonly quota: ReadQuota;
  readonly profile: ProfileChoice;
  readonly secret: Uint8Array | undefined;
  readonly batchCipher: boolean;
  /** What is needed to speak the native profile; without it the classic one is spoken. */
  readonly native: NativeOptions | undefined;
  /** Where the costly steps of the handshake wait for their turn. Without it they are taken at once. */
  readonly turns: HandshakeTurns | undefined;
}

/** An engine that has opened. */
export type EngineOpened = Extract<EngineEvent, { kind: "open" }>;

/** What belongs to requests; only the native profile has them. */
export type RequestEvent = Exclude<EngineEvent, { kind: "open" | "resume" | "message" | "closed" }>;

/** What is done about what happens to an engine. */
export interface DriverHandler {
  opened(event: EngineOpened): void;
  /** The session that a client asks to go on with. Absent if there are none. */
  resume?(sessionId: Uint8Array): NativeSession | undefined;
  message(event: Extract<EngineEvent, { kind: "message" }>): void;
  /** A request, or what belongs to one. */
  request(event: RequestEvent): void;
  /** A costly step of the handshake is taken. */
  tookTurn?(): void;
  /** Some of what was written has left this process. */
  progressed(): void;
  /** The engine is over; without an error, in order. Nothing is told after it but `released`. */
  closed(error?: SealpipeError): void;
  /** The transport is gone and nothing of it is held any more. */
  released(): void;
}

/** Who wants to know nothing. */
export const deaf: DriverHandler = {
  opened: () => {},
  message: () => {},
  request: () => {},
  progressed: () => {},
  closed: () => {},
  released: () => {},
};

/**
 * An engine on a transport, with its timer: moves bytes between the two, writes once per turn of the event loop, and
 * stops reading while the application has too much to read.
 */
export class EngineDriver implements TransportHandler {
  readonly #transport: Transport;
  #handler: DriverHandler;
  readonly #options: DriverOptions;
  readonly #engine: Engine;
  /** A costly step of the handshake is left alone until then. */
  #awaitsTurn = false;
  #pumping = false;
  #paused = false;
  #flushScheduled = false;
  /** The transport has the parts of a write, which are not the engine's until it has let go of them. */
  #writing = false;
  /** The transport has been told that nothing more will be written. */
  #ended = false;
  /** The engine's end has been told, or will not be. */
  #over = false;
  #isNative = false;
  /** The last buffer that was marked so. */
  #untransferable: ArrayBufferLike | undefined;
  /** The engine failed: nothing is worth waiting for but its last words. */
  #failed = false;
  /** Nothing is asked of the transport any more. */
  #transportGone = false;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = 0;
  #lingerTimer: NodeJS.Timeout | undefined;
  /** With a peer that may still take what was written before the engine's end. */
  #patience: Patience | undefined;

  constructor(transport: Transport, options: DriverOptions, handler: DriverHandler) {
    this.#transport = transport;
    this.#handler = handler;
    this.#options = options;
    const { role, encryption, profile, secret, native, batchCipher } = options;
    const limits = engineLimits(options);
    options.quota.onRoom(() => {
      if (this.#paused) this.#pump();
    });
    this.#engine = new Engine({
      role,
      encryption,
      profile,
      secret,
      limits,
      native,
      crypto: batchCipher ? nodeCrypto : platformCrypto,
      clock,
      waitsForTurns: options.turns !== undefined,
    });
  }

  /** Who is told from now on. */
  set handler(handler: DriverHandler) {
    this.#handler = handler;
  }

  /** Bytes that are not done with: have not left this process or, where the peer tells, are not taken by it. */
  get queuedBytes(): number {
    return this.#engine.queuedBytes + this.#transport.pendingBytes;
  }

  /** Whether anything has come from the peer. */
  get hasHeard(): boolean {
    return this.#engine.hasHeard;
  }

  /** False once nothing that is sent can leave any more, though what had arrived may still be unread. */
  get canSend(): boolean {
    return this.#isAlive && !this.#engine.isSpent;
  }

  start(): void {
    this.#transport.start(this);
    this.#pump();
  }

  /** The session has something to send: it leaves in this turn of the event loop. */
  flushSoon(): void {
    if (!this.#isAlive) return;
    if (this.#engine.unsentBytes >= batchBytes) this.#flush();
    // What arrives is dealt with to its end, and then all that came of it is sent.
    if (!this.#pumping && this.#engine.unsentBytes > 0) this.#scheduleFlush();
  }

  /** The session may have something to send, if only an acknowledgement: it is asked in this turn of the event loop. */
  lookSoon(): void {
    if (!this.#pumping && this.#isAlive) this.#scheduleFlush();
  }

  /** Ends the engine in order. `closed` and `released` follow. */
  close(): void {
    this.#engine.close();
    this.#pump();
  }

  /** Drops the connection. `closed` does not follow, `released` does. */
  destroy(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#leaveTurns();
    this.#drop();
  }

  /** Whether it keeps the process alive. */
  setReferenced(referenced: boolean): void {
    this.#transport.setReferenced(referenced);
  }

  // From the transport.

  chunk(chunk: Uint8Array): void {
    this.#engine.receive(chunk);
    this.#pump();
  }

  ended(): void {
    this.#engine.receiveEnd();
    this.#pump();
  }

  drained(): void {
    if (this.#writing) this.#returnOutput();
    this.#flush();
    this.#armTimer();
    if (this.#patience !== undefined) {
      this.#patience.left(this.#unwrittenBytes, clock.now());
      this.#linger(this.#patience);
    }
    this.#handler.progressed();
  }

  /** What had arrived can still be read, and the engine is over only after that. */
  closed(error?: Error): void {
    this.#transportGone = true;
    clearTimeout(this.#lingerTimer);
    this.#engine.receiveEnd(error);
    this.#pump();
    if (this.#over) this.#engine.abandon();
    this.#handler.released();
  }

  /**
   * An engine that ends is heard to its end, however much is unread: it has no more messages, or if the transport is
   * gone, no more than what had arrived. Who waits to write has to learn of the end, even if it is who should read.
   */
  get #wantsMore(): boolean {
    return !this.#engine.needsPausing || this.#transportGone || !this.#options.quota.isFull;
  }

  get #isAlive(): boolean {
    return !this.#over && !this.#transportGone;
  }

  /** A step of the handshake that costs us much more than the peer is taken in a turn of its own. */
  #awaitTurn(): void {
    const { turns } = this.#options;
    if (turns === undefined || this.#awaitsTurn || this.#over || !this.#engine.nextStepIsCostly) return;
    this.#awaitsTurn = true;
    turns.wait(this.#engine.state === "server-awaits-answer" ? "fresh" : "begun", this.#takeTurn);
  }

  readonly #takeTurn = (): void => {
    this.#awaitsTurn = false;
    this.#engine.allowCostlyStep();
    this.#handler.tookTurn?.();
    this.#pump();
  };

  #leaveTurns(): void {
    if (!this.#awaitsTurn) return;
    this.#awaitsTurn = false;
    this.#options.turns?.leave(this.#takeTurn);
  }

  #pump(): void {
    // A handler may close, write or read, and so come back here.
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (!this.#over && this.#wantsMore) {
        const event = this.#engine.nextEvent();
        if (event === undefined) break;
        if (event.kind === "message") {
          this.#keepWhole(event.data);
          this.#handler.message(event);
        } else {
          this.#dispatch(event);
        }
      }
    } finally {
      this.#pumping = false;
    }
    this.#awaitTurn();
    this.#pauseOrResume();
    this.#flush();
    this.#armTimer();
    // What the peer has acknowledged makes room.
    if (!this.#over) this.#handler.progressed();
  }

  #dispatch(event: Exclude<EngineEvent, { kind: "message" }>): void {
    switch (event.kind) {
      case "open":
        this.#isNative = event.profile === "native";
        this.#handler.opened(event);
        return;
      case "resume":
        this.#engine.resume(this.#handler.resume?.(event.sessionId));
        return;
      case "closed":
        this.#finish(event.error);
        return;
      default:
        if ("data" in event && event.data !== undefined) this.#keepWhole(event.data);
        this.#handler.request(event);
    }
  }

  /** A buffer that several messages share cannot be transferred: whoever took one of them would take the others. */
  #keepWhole(data: Uint8Array): void {
    if (!isShared(data) || data.buffer === this.#untransferable) return;
    this.#untransferable = data.buffer;
    keepWhole(data.buffer);
  }

  #finish(error: SealpipeError | undefined): void {
    this.#over = true;
    this.#failed = error !== undefined;
    clearTimeout(this.#timer);
    this.#leaveTurns();
    const allHasLeft = this.#ended && !this.#writing;
    // What a native peer has not received is sent again if it comes back, and this transport must be gone by then.
    const lost = error !== undefined && this.#isNative;
    if (allHasLeft || lost || error?.code === "ERR_CLOSE_TIMEOUT") this.#drop();
    else if (!this.#transportGone) this.#beginLinger();
    else this.#engine.abandon();
    this.#handler.closed(error);
  }

  get #unwrittenBytes(): number {
    return this.#engine.unsentBytes + this.#transport.pendingBytes;
  }

  /** The peer may still read what was written to it, but it does not get for ever to do so. */
  #beginLinger(): void {
    const { closeTimeoutMs } = this.#options;
    this.#patience = new Patience(closeTimeoutMs, { amount: this.#unwrittenBytes, now: clock.now() });
    this.#linger(this.#patience);
  }

  #linger({ at }: Patience): void {
    clearTimeout(this.#lingerTimer);
    if (this.#transportGone) return;
    this.#lingerTimer = setTimeout(() => this.#drop(), Math.max(1, Math.ceil(at - clock.now())));
    this.#lingerTimer.unref();
  }

  #drop(): void {
    this.#transportGone = true;
    this.#transport.destroy();
    this.#engine.abandon();
  }

  #pauseOrResume(): void {
    const reads = this.#wantsMore && !this.#awaitsTurn;
    if (this.#transportGone || this.#paused !== reads) return;
    this.#paused = !this.#paused;
    if (this.#paused) this.#transport.pause();
    else this.#transport.resume();
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    process.nextTick(this.#scheduledFlush);
  }

  readonly #scheduledFlush = (): void => {
    this.#flushScheduled = false;
    this.#flush();
    this.#armTimer();
    this.#handler.progressed();
  };

  #flush(): void {
    if (this.#transportGone) return;
    // One write at a time: more would be joined by the platform, and cut where it likes.
    while (!this.#writing) {
      const parts = this.#engine.takeOutput();
      if (parts.length === 0) break;
      this.#writing = true;
      if (this.#transport.write(parts)) this.#returnOutput();
    }
    if (this.#writing) this.#engine.prepareOutput();
    if (this.#engine.unsentBytes > 0 || !this.#engine.outputEnded) return;
    if (this.#ended) return;
    this.#ended = true;
    if (this.#failed) this.#transport.endAndDestroy();
    else this.#transport.end();
  }

  /** Not after the transport is gone, or is no longer ours: it never lets go of what it has then. */
  #returnOutput(): void {
    if (this.#transportGone) return;
    this.#writing = false;
    this.#engine.returnOutput();
  }

  /** One timer for all deadlines. One that is set too early finds nothing to do and sets the next. */
  #armTimer(): void {
    const at = this.#engine.nextTimeout();
    if (at === undefined || this.#over || (this.#timer !== undefined && this.#timerAt <= at)) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(this.#timedOut, Math.max(1, Math.ceil(at - clock.now())));
    this.#timer.unref();
  }

  // Timers run before the sockets are read: where our own event loop was late, what the peer sent in time is read first.
  readonly #timedOut = (): void => {
    setImmediate(() => {
      this.#timer = undefined;
      this.#engine.handleTimeout(clock.now());
      this.#pump();
    });
  };
}
