import { nodeCrypto } from "../crypto/node.ts";
import type { SealpipeError } from "../errors.ts";
import type { SessionLimits } from "../protocol/limits.ts";
import type { MessageContent } from "../protocol/message.ts";
import { batchBytes } from "../protocol/send-buffer.ts";
import { Session, type SessionEvent } from "../protocol/session.ts";
import type { Transport, TransportHandler } from "../transport/transport.ts";
import type { HandshakeTurns } from "./handshake-turns.ts";
import { closedError } from "./inbox.ts";
import { sessionLimits } from "./options.ts";
import type { ReadQuota } from "./read-quota.ts";

export interface DriverOptions extends SessionLimits {
  readonly role: "client" | "server";
  readonly encryption: boolean;
  /** What the application has yet to read of the messages that are told. */
  readonly quota: ReadQuota;
  /** Where the costly steps of the handshake wait for their turn. Without it they are taken at once. */
  readonly turns?: HandshakeTurns | undefined;
}

/** Who is told what happens to a session. */
export interface DriverHandler {
  opened(event: Extract<SessionEvent, { kind: "open" }>): void;
  message(content: MessageContent): void;
  /** Some of what was written has left this process. */
  progressed(): void;
  /** The session is over; without an error, in order. Nothing is told after it but `released`. */
  closed(error?: SealpipeError): void;
  /** The transport is gone and nothing of it is held any more. */
  released(): void;
}

const clock = { now: () => performance.now() };

/**
 * A session on a transport, with its timer: moves bytes between the two, writes once per turn of the event loop, and
 * stops reading while the application has too much to read.
 */
export class SessionDriver implements TransportHandler {
  readonly #transport: Transport;
  readonly #handler: DriverHandler;
  readonly #options: DriverOptions;
  readonly #session: Session;
  /** The handshake is over: from now on there are messages, which are subject to the quota. */
  #opened = false;
  /** What has arrived of the handshake is left alone until then. */
  #awaitsTurn = false;
  #pumping = false;
  #paused = false;
  #flushScheduled = false;
  /** The transport has been told that nothing more will be written. */
  #ended = false;
  /** The session's end has been told, or will not be. */
  #over = false;
  /** The session failed: nothing is worth waiting for but its last words. */
  #failed = false;
  /** Nothing is asked of the transport any more. */
  #transportGone = false;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = 0;
  #lingerTimer: NodeJS.Timeout | undefined;

  constructor(transport: Transport, options: DriverOptions, handler: DriverHandler) {
    this.#transport = transport;
    this.#handler = handler;
    this.#options = options;
    const { role, encryption } = options;
    const limits = sessionLimits(options);
    options.quota.onRoom(() => {
      if (this.#paused) this.#pump();
    });
    this.#session = new Session({ role, encryption, limits, crypto: nodeCrypto, clock });
  }

  /** Bytes that have not left this process. */
  get queuedBytes(): number {
    return this.#session.queuedBytes + this.#transport.pendingBytes;
  }

  /** False once nothing that is sent can leave any more, though what had arrived may still be unread. */
  get canSend(): boolean {
    return !this.#over && !this.#transportGone;
  }

  start(): void {
    this.#transport.start(this);
    this.#pump();
  }

  /** Takes a message; it leaves in this turn of the event loop. @throws CallerError as `Session.send`. */
  send(type: number, data: Uint8Array): void {
    if (!this.canSend) throw closedError();
    this.#session.send(type, data);
    if (this.#session.queuedBytes >= batchBytes) this.#flush();
    else this.#scheduleFlush();
  }

  /** Ends the session in order. `closed` and `released` follow. */
  close(): void {
    this.#session.close();
    this.#pump();
  }

  /** Drops the connection. `closed` does not follow, `released` does. */
  destroy(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#options.turns?.leave(this.#takeTurn);
    this.#drop();
  }

  /** Whether it keeps the process alive. */
  setReferenced(referenced: boolean): void {
    this.#transport.setReferenced(referenced);
  }

  // From the transport.

  chunk(chunk: Uint8Array): void {
    this.#session.receive(chunk);
    this.#awaitTurn();
    this.#pump();
  }

  ended(): void {
    this.#session.receiveEnd();
    this.#pump();
  }

  drained(): void {
    this.#flush();
    this.#armTimer();
    // A peer that still takes something is not one that hangs.
    if (this.#lingerTimer !== undefined) this.#linger();
    this.#handler.progressed();
  }

  /** What had arrived can still be read, and the session is over only after that. */
  closed(error?: Error): void {
    this.#transportGone = true;
    clearTimeout(this.#lingerTimer);
    this.#session.receiveEnd(error);
    // It is paused while it waits for its turn, so this is rare, and not worth a turn.
    this.#options.turns?.leave(this.#takeTurn);
    this.#takeTurn();
    this.#handler.released();
  }

  /**
   * A session that ends is heard to its end, however much is unread: it has no more messages, or where the transport is
   * gone, no more than what had arrived. Who waits to write has to learn of the end, even if it is who should read.
   */
  get #wantsMore(): boolean {
    if (this.#awaitsTurn) return false;
    return !this.#opened || this.#session.outputEnded || this.#transportGone || !this.#options.quota.isFull;
  }

  /** Before a step of the handshake that costs us much more than the peer. */
  #awaitTurn(): void {
    const { turns } = this.#options;
    if (turns === undefined || this.#awaitsTurn || this.#over) return;
    const { state } = this.#session;
    if (state !== "server-awaits-answer" && state !== "server-awaits-client-key") return;
    this.#awaitsTurn = true;
    turns.wait(state === "server-awaits-answer" ? "fresh" : "begun", this.#takeTurn);
  }

  readonly #takeTurn = (): void => {
    this.#awaitsTurn = false;
    this.#pump();
  };

  #pump(): void {
    // A handler may close, write or read, and so come back here.
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (!this.#over && this.#wantsMore) {
        const event = this.#session.nextEvent();
        if (event === undefined) break;
        this.#dispatch(event);
      }
    } finally {
      this.#pumping = false;
    }
    this.#pauseOrResume();
    this.#flush();
    this.#armTimer();
  }

  #dispatch(event: SessionEvent): void {
    switch (event.kind) {
      case "open":
        this.#opened = true;
        this.#handler.opened(event);
        return;
      case "message":
        this.#handler.message(event.content);
        return;
      case "closed":
        this.#finish(event.error);
    }
  }

  #finish(error: SealpipeError | undefined): void {
    this.#over = true;
    this.#failed = error !== undefined;
    clearTimeout(this.#timer);
    const allHasLeft = this.#ended && this.#transport.pendingBytes === 0;
    if (allHasLeft || error?.code === "ERR_CLOSE_TIMEOUT") this.#drop();
    else if (!this.#transportGone) this.#linger();
    this.#handler.closed(error);
  }

  /** The peer may still read what was written to it, but it does not get for ever to do so. */
  #linger(): void {
    clearTimeout(this.#lingerTimer);
    this.#lingerTimer = setTimeout(() => this.#drop(), this.#options.closeTimeoutMs);
    this.#lingerTimer.unref();
  }

  #drop(): void {
    this.#transportGone = true;
    this.#transport.destroy();
  }

  #pauseOrResume(): void {
    if (this.#transportGone || this.#paused !== this.#wantsMore) return;
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
    while (this.#transport.pendingBytes === 0) {
      const parts = this.#session.takeOutput();
      if (parts.length === 0) break;
      this.#transport.write(parts);
    }
    if (this.#session.queuedBytes > 0 || !this.#session.outputEnded) return;
    if (this.#ended) return;
    this.#ended = true;
    if (this.#failed) this.#transport.endAndDestroy();
    else this.#transport.end();
  }

  /** One timer for all deadlines. One that is set too early finds nothing to do and sets the next. */
  #armTimer(): void {
    const at = this.#session.nextTimeout();
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
      this.#session.handleTimeout(clock.now());
      this.#pump();
    });
  };
}
