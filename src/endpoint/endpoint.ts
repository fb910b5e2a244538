import { captureRejectionSymbol, EventEmitter } from "node:events";
import { SealpipeError } from "../errors.ts";
import { inspection, oneLine, type Shown } from "./inspection.ts";
import type { Message } from "./messages/message.ts";
import type { ReadOptions } from "./options/call-options.ts";
import { Inbox, type MessageListeners } from "./reading/inbox.ts";
import { MessageIterator, type Messages } from "./reading/message-iterator.ts";
import type { Status } from "./status.ts";

/** Errors that `error` events have reported. */
const told = new WeakSet<SealpipeError>();

/** Events that each endpoint has. */
export interface EndpointEvents<M> {
  /** A message, if no `read` waits for one. A listener that throws does not harm other connections. */
  message: [message: M];
  /** The status has changed. */
  status: [status: Status];
  /** It is closed, in order or not, and all its resources are freed. */
  close: [];
}

/** An endpoint's listeners for messages. A class, as an object with a getter is several times as large. */
class Listeners<M> implements MessageListeners<M> {
  readonly #emitter: EventEmitter;
  readonly #failed: (error: unknown, message: M) => void;

  constructor(emitter: EventEmitter, failed: (error: unknown, message: M) => void) {
    this.#emitter = emitter;
    this.#failed = failed;
  }

  get present(): boolean {
    return this.#emitter.listenerCount("message") > 0;
  }

  emit(message: M): void {
    try {
      this.#emitter.emit("message", message);
    } catch (error) {
      this.#failed(error, message);
    }
  }
}

/**
 * The common base of servers, clients and a server's connections: messages to read, a status, an end.
 *
 * Unlike a plain `EventEmitter`, it does not throw if nobody listens for `error`: a bad peer must not be able to end
 * the process. Nor does the process end because a listener, `async` or not, does not catch an error that a peer
 * caused, such as a loop over a connection that breaks: an `error` event reports that, unless one has already. Any
 * other error that a listener throws is thrown again from the event loop, as an uncaught exception, after the
 * library's own state is in order.
 */
export abstract class Endpoint<M extends Message, Events extends Record<keyof Events, unknown[]>>
  extends EventEmitter<Events>
  implements AsyncIterable<M>, AsyncDisposable
{
  /** @internal */
  readonly inbox: Inbox<M>;
  /** @internal */
  protected readonly whenClosed: Promise<void>;
  #resolveClosed: () => void = () => {};
  #status: Status = "not-connected";

  constructor() {
    super({ captureRejections: true });
    this.whenClosed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.inbox = new Inbox<M>(
      new Listeners<M>(this.#emitter, (error, message) => this.#letThrough(error, "message", message)),
    );
    this.#watchListeners();
  }

  override removeAllListeners(...event: Parameters<EventEmitter<Events>["removeAllListeners"]>): this {
    // As many arguments as were passed: with one that is `undefined` it removes nothing.
    super.removeAllListeners(...event);
    if (this.#emitter.listenerCount("newListener") === 0) this.#watchListeners();
    return this;
  }

  /** The present status. */
  get status(): Status {
    return this.#status;
  }

  /**
   * Waits for the next message. Messages that nobody reads wait, up to `maxQueuedBytes`, and then hold up the peer.
   *
   * @throws CallerError `ERR_CLOSED` once it is closed and nothing is left to read, `ERR_INVALID_OPTION`; PeerError
   *   `ERR_READ_TIMEOUT`; what made it fail; or the signal's reason.
   */
  read(options?: ReadOptions): Promise<M> {
    try {
      this.claim();
      return this.inbox.read(options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Messages until the end: stops if this was closed in order, throws if it failed. Leaving a loop closes nothing and
   * loses no message: another loop may go on.
   */
  [Symbol.asyncIterator](): Messages<M> {
    this.claim();
    return new MessageIterator(this.inbox);
  }

  /** Closes in order: what was written is sent first. */
  abstract close(): Promise<void>;

  /**
   * Lets the process end although this is not closed, like a socket's `unref`: its listening socket, its connections,
   * its tries to reconnect and the promises of `read` and `flush` do not keep the process alive. `close` does, until
   * it has settled.
   *
   * On a server it applies to all connections, present and future; `connection.ref()` makes an exception.
   */
  unref(): this {
    this.setReferenced(false);
    return this;
  }

  /** Reverses `unref`. */
  ref(): this {
    this.setReferenced(true);
    return this;
  }

  /** The same as `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The same without the types of its events, for names that hold for all endpoints. */
  get #emitter(): EventEmitter {
    return this as unknown as EventEmitter;
  }

  #watchListeners(): void {
    this.#emitter.on("newListener", (event: string) => {
      if (event !== "message") return;
      this.claim();
      // Not at once: the listener is not added yet, and the caller may add others.
      process.nextTick(() => this.inbox.drain());
    });
  }

  /** Called with the rejection of an `async` listener. @internal */
  override [captureRejectionSymbol](error: unknown, event: unknown, ...args: unknown[]): void {
    this.#letThrough(error, event, args[0]);
  }

  /** A listener of that event threw `error`. */
  #letThrough(error: unknown, event: unknown, about: unknown): void {
    if (error instanceof SealpipeError) {
      // `ERR_CLOSED`: the listener went on to use what had been closed meanwhile.
      if (told.has(error) || error.code === "ERR_CLOSED") return;
      if (error.fault === "peer") {
        // A listener that fails at each `error` event would cause the next one, without end.
        if (event !== "error") this.tell(error, about);
        return;
      }
    }
    process.nextTick(() => {
      throw error;
    });
  }

  /**
   * Reports an error of the peer after which this goes on. `about`: the argument of the event whose listener threw
   * it. @internal
   */
  protected tell(error: SealpipeError, _about?: unknown): void {
    this.emitSafely("error", error);
  }

  /** One line for `console.log`. @internal */
  [inspection](): string {
    return oneLine(this, { status: this.status, ...this.shown() });
  }

  /** What that line shows besides the status. @internal */
  protected abstract shown(): Shown;

  /** Whether it keeps the process alive. @internal */
  protected abstract setReferenced(referenced: boolean): void;

  /** The application starts to read this endpoint's messages. @internal */
  protected claim(): void {}

  /** @internal */
  setStatus(status: Status): void {
    if (this.#status === status) return;
    this.#status = status;
    this.emitSafely("status", status);
  }

  /** @internal */
  tellClosed(): void {
    this.#resolveClosed();
    this.emitSafely("close");
  }

  /** @internal */
  emitSafely(event: string, ...args: unknown[]): void {
    const emitter = this.#emitter;
    if (event === "error") {
      told.add(args[0] as SealpipeError);
      if (emitter.listenerCount("error") === 0) return;
    }
    try {
      emitter.emit(event, ...args);
    } catch (error) {
      this.#letThrough(error, event, args[0]);
    }
  }
}
