import type { Duplex } from "node:stream";
import { nodeCrypto, platformCrypto } from "../../crypto/node.ts";
import type { SealpipeError } from "../../errors.ts";
import { isShared } from "../../protocol/data-memory.ts";
import { Engine } from "../../protocol/engine.ts";
import type { EngineEvent } from "../../protocol/engine-options.ts";
import type { ProfileChoice } from "../../protocol/handshake/options.ts";
import type { EngineLimits } from "../../protocol/limits.ts";
import type { NativeOptions } from "../../protocol/native/options.ts";
import { batchBytes } from "../../protocol/send-buffer.ts";
import { clearTimeout, setImmediate, setTimeout } from "../../transport/timers.ts";
import type { Transport, TransportHandler } from "../../transport/transport.ts";
import { clock } from "../clock.ts";
import { type About, aboutNobody, channels } from "../diagnostics.ts";
import { keepWhole } from "../messages/shared-buffer.ts";
import type { ReadQuota } from "../reading/read-quota.ts";
import type { DriverHandler } from "./driver-handler.ts";
import { HandshakeSteps } from "./handshake-steps.ts";
import type { HandshakeTurns } from "./handshake-turns.ts";

/** All are required, if only as `undefined`: a missing property would be looked up in `Object.prototype`. */
export interface DriverOptions extends EngineLimits {
  /** Whose connection it is, for diagnostics. */
  readonly about: About | undefined;
  readonly role: "client" | "server";
  readonly encryption: boolean;
  /** How much the application has yet to read of the delivered messages. */
  readonly quota: ReadQuota;
  readonly profile: ProfileChoice;
  readonly secret: Uint8Array | undefined;
  readonly batchCipher: boolean;
  /** Options of the native profile; without them the engine speaks classic. */
  readonly native: NativeOptions | undefined;
  /** Where the costly steps of the handshake wait for their turn. Without it they are done at once. */
  readonly turns: HandshakeTurns | undefined;
}

/**
 * What is left of an engine and its transport: both; the transport alone, through which the last output leaves
 * (`ending`); the engine alone, from which events of what had arrived are still fetched (`draining`); or neither.
 */
type Life = "open" | "ending" | "draining" | "gone";

/**
 * An engine on a transport, with its timer: moves bytes between the two, writes once per turn of the event loop, and
 * stops reading while the application has too much to read.
 */
export class EngineDriver implements TransportHandler {
  readonly #transport: Transport;
  #handler: DriverHandler;
  readonly #quota: ReadQuota;
  readonly #engine: Engine;
  /** Until the handshake is over, if its steps take turns or somebody wants to know of them. */
  #handshake: HandshakeSteps | undefined;
  #pumping = false;
  #paused = false;
  #flushScheduled = false;
  /** A write is under way: its parts belong to the transport. */
  #writing = false;
  /** The transport's writing side is ended. */
  #ended = false;
  #life: Life = "open";
  /** The last buffer that was made untransferable. */
  #untransferable: ArrayBufferLike | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = 0;

  constructor(transport: Transport, options: DriverOptions, handler: DriverHandler) {
    this.#transport = transport;
    this.#handler = handler;
    // Not the options themselves: they are a large object, and there is one of them for each connection.
    const { role, encryption, profile, secret, native, quota, turns, about = aboutNobody } = options;
    const { maxMessageBytes, handshakeTimeoutMs, frameTimeoutMs, closeTimeoutMs } = options;
    this.#quota = quota;
    quota.onRoom(() => {
      if (this.#paused) this.#pump();
    });
    this.#engine = new Engine({
      role,
      encryption,
      profile,
      secret,
      limits: { maxMessageBytes, handshakeTimeoutMs, frameTimeoutMs, closeTimeoutMs },
      native,
      crypto: options.batchCipher ? nodeCrypto : platformCrypto,
      clock,
      waitsForTurns: turns !== undefined,
    });
    if (turns === undefined && !channels.handshake.hasSubscribers) return;
    this.#handshake = new HandshakeSteps({
      about,
      engine: this.#engine,
      turns,
      tookTurn: () => this.#tookTurn(),
    });
  }

  /** Replaces the handler. */
  set handler(handler: DriverHandler) {
    this.#handler = handler;
  }

  /** Bytes that have not left this process or, if the peer acknowledges, that it has not consumed. */
  get queuedBytes(): number {
    return this.#engine.queuedBytes + this.#transport.pendingBytes;
  }

  /** The duplex stream on which it stands, if that is not one of ours. */
  get duplex(): Duplex | undefined {
    return this.#transport.duplex;
  }

  /** Whether anything has arrived from the peer. */
  get hasHeard(): boolean {
    return this.#engine.hasHeard;
  }

  /** False once nothing can leave any more, though what had arrived may still be unread. */
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
    // While it pumps, all that has arrived is processed first, and then everything that results from it is sent.
    if (this.#pumping || this.#flushScheduled) return;
    if (this.#engine.unsentBytes > 0) this.#scheduleFlush();
  }

  /**
   * The session may have something to send, if only an acknowledgement: this is checked in this turn of the event
   * loop.
   */
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
    this.#handshake?.leave();
    this.#drop();
  }

  /** Whether it keeps the process alive. */
  setReferenced(referenced: boolean): void {
    this.#transport.setReferenced(referenced);
  }

  // Called by the transport.

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
    this.#handler.progressed();
  }

  /** What had arrived can still be read, and the engine ends only after that. */
  closed(error?: Error): void {
    this.#life = this.#isOver ? "gone" : "draining";
    this.#engine.receiveEnd(error);
    this.#pump();
    if (this.#isOver) this.#drop();
    this.#handler.released();
  }

  /**
   * The events of an engine that ends are fetched to the last, however much is unread: it has no more messages or, if
   * the transport is gone, only those that had arrived. A writer that waits has to learn of the end, even if the same
   * code should be reading.
   */
  get #wantsMore(): boolean {
    return !this.#engine.needsPausing || this.#life === "draining" || !this.#quota.isFull;
  }

  get #isAlive(): boolean {
    return this.#life === "open";
  }

  /** The engine's end has been reported, or will not be. */
  get #isOver(): boolean {
    return this.#life === "ending" || this.#life === "gone";
  }

  /** The transport is not used any more. */
  get #transportGone(): boolean {
    return this.#life === "draining" || this.#life === "gone";
  }

  #tookTurn(): void {
    this.#handler.tookTurn?.();
    this.#pump();
  }

  #pump(): void {
    // A handler may close, write or read, and so call this again.
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (!this.#isOver && this.#wantsMore) {
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
    if (this.#handshake?.advanced()) this.#handshake = undefined;
    this.#pauseOrResume();
    this.#flush();
    if (this.#life === "ending" && this.#engine.isDone) this.#drop();
    this.#armTimer();
    // Acknowledgements of the peer make room.
    if (!this.#isOver) this.#handler.progressed();
  }

  #dispatch(event: Exclude<EngineEvent, { kind: "message" }>): void {
    switch (event.kind) {
      case "open":
        this.#handler.opened?.(event);
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

  /** A buffer that several messages share cannot be transferred: that would take the other messages' data. */
  #keepWhole(data: Uint8Array): void {
    if (!isShared(data) || data.buffer === this.#untransferable) return;
    this.#untransferable = data.buffer;
    keepWhole(data.buffer);
  }

  #finish(error: SealpipeError | undefined): void {
    this.#handshake?.leave();
    if (this.#life === "draining" || this.#engine.isDone) this.#drop();
    else this.#life = "ending";
    this.#handler.closed(error);
  }

  #drop(): void {
    clearTimeout(this.#timer);
    if (!this.#transportGone) this.#transport.destroy();
    this.#life = "gone";
    this.#engine.abandon();
  }

  #pauseOrResume(): void {
    const reads = this.#wantsMore && !this.#handshake?.awaitsTurn;
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
    // One write at a time: the platform would join several, and cut them anywhere.
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
    if (this.#engine.hasFailed) this.#transport.endAndDestroy();
    else this.#transport.end();
  }

  /** Not after the transport is gone or taken over: then its memory must never be reused. */
  #returnOutput(): void {
    if (this.#transportGone) return;
    this.#writing = false;
    this.#engine.returnOutput();
  }

  /** One timer for all deadlines. If it fires too early, it finds nothing to do and is set again. */
  #armTimer(): void {
    const at = this.#engine.nextTimeout();
    if (at === undefined || (this.#timer !== undefined && this.#timerAt <= at)) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(this.#timedOut, Math.max(1, Math.ceil(at - clock.now())));
    this.#timer.unref();
  }

  // Timers run before sockets are read: if the event loop was late, what the peer sent in time is read first.
  readonly #timedOut = (): void => {
    setImmediate(() => {
      this.#timer = undefined;
      this.#engine.handleTimeout(clock.now());
      this.#pump();
    });
  };
}
