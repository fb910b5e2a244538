import { captureRejectionSymbol, EventEmitter } from "node:events";
import { SealpipeError } from "../errors.ts";
import type { Message } from "./messages/message.ts";
import type { ReadOptions } from "./options/options.ts";
import { Inbox } from "./reading/inbox.ts";
import { MessageIterator, type Messages } from "./reading/message-iterator.ts";
import type { Status } from "./status.ts";

/** What `error` events have told. */
const told = new WeakSet<SealpipeError>();

const inspection: unique symbol = Symbol.for("nodejs.util.inspect.custom") as never;

/** Events that each endpoint has. */
export interface EndpointEvents<M> {
  /** A message, where no `read` waits for one. A listener that throws does no harm to other connections. */
  message: [message: M];
  /** The status has changed. */
  status: [status: Status];
  /** It is closed, in order or not, and holds nothing any more. */
  close: [];
}

/**
 * What servers, clients and a server's connections have in common: messages to read, a status, an end.
 *
 * Unlike a plain `EventEmitter`, one on which nobody listens for `error` does not throw: a bad peer must not be able to
 * end the process. Nor does the process end by a listener, `async` or not, that lets through what a peer did, such as a
 * loop over a connection that breaks: an `error` event tells it, unless one has done so before. Any other error that a
 * listener throws is thrown again from the event loop, where it is an uncaught exception as usual, after everything of
 * ours is in order.
 */
export abstract class Endpoint<M extends Message, Events extends Record<keyof Events, unknown[]>>
  extends EventEmitter<Events>
  implements AsyncIterable<M>, AsyncDisposable
{
  /** @internal */
  protected readonly inbox: Inbox<M>;
  /** @internal */
  protected readonly whenClosed: Promise<void>;
  #resolveClosed: () => void = () => {};
  #status: Status = "not-connected";

  constructor() {
    super({ captureRejections: true });
    const endpoint = this.#emitter;
    this.whenClosed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.inbox = new Inbox<M>({
      get present() {
        return endpoint.listenerCount("message") > 0;
      },
      emit: (message) => {
        try {
          endpoint.emit("message", message);
        } catch (error) {
          this.#letThrough(error, "message", message);
        }
      },
    });
    this.#watchListeners();
  }

  override removeAllListeners(...event: Parameters<EventEmitter<Events>["removeAllListeners"]>): this {
    // As many arguments as were given: with one that is undefined it removes nothing.
    super.removeAllListeners(...event);
    if (this.#emitter.listenerCount("newListener") === 0) this.#watchListeners();
    return this;
  }

  /** Where it stands. */
  get status(): Status {
    return this.#status;
  }

  /**
   * The next message; waits for it. Messages that nobody reads wait, up to `maxQueuedBytes`, and then hold up the peer.
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
   * Messages until the end: stops where it was closed in order, throws where it failed. Leaving a loop closes nothing
   * and loses no message: another may go on.
   */
  [Symbol.asyncIterator](): Messages<M> {
    this.claim();
    return new MessageIterator(this.inbox);
  }

  /** Ends it in order: what was written is sent first. */
  abstract close(): Promise<void>;

  /**
   * Lets the process end though this is not closed, as a socket's `unref` does: neither what it listens to, nor its
   * connections, nor its tries to reconnect keep the process alive, and a promise of `read` or `flush` does not either.
   * `close` does, until it has settled.
   *
   * On a server it holds for all its connections, those to come too; `connection.ref()` makes an exception.
   */
  unref(): this {
    this.setReferenced(false);
    return this;
  }

  /** Takes an `unref` back. */
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
      // Not at once: the listener is not there yet, and whoever adds it may add others.
      process.nextTick(() => this.inbox.drain());
    });
  }

  /** What an `async` listener rejects with. @internal */
  override [captureRejectionSymbol](error: unknown, event: unknown, ...args: unknown[]): void {
    this.#letThrough(error, event, args[0]);
  }

  /** A listener to that event let it through. */
  #letThrough(error: unknown, event: unknown, about: unknown): void {
    if (error instanceof SealpipeError) {
      // Or it went on with what was closed meanwhile.
      if (told.has(error) || error.code === "ERR_CLOSED") return;
      if (error.fault === "peer") {
        // A listener that fails at each `error` event would make the next one, and so on for ever.
        if (event !== "error") this.tell(error, about);
        return;
      }
    }
    process.nextTick(() => {
      throw error;
    });
  }

  /** Tells an error of the peer's after which this goes on. `about`: what the event at which it came up was about. @internal */
  protected tell(error: SealpipeError, _about?: unknown): void {
    this.emitSafely("error", error);
  }

  /** What `console.log` shows of it: one line. @internal */
  [inspection](): string {
    const shown = Object.entries({ status: this.status, ...this.shown() });
    const known = shown.filter(([, value]) => value !== undefined);
    return `${this.constructor.name} { ${known.map(([name, value]) => `${name}: ${value}`).join(", ")} }`;
  }

  /** What that line has besides the status. @internal */
  protected abstract shown(): Record<string, string | number | undefined>;

  /** Whether it keeps the process alive. @internal */
  protected abstract setReferenced(referenced: boolean): void;

  /** Someone wants this endpoint's messages. @internal */
  protected claim(): void {}

  /** @internal */
  protected setStatus(status: Status): void {
    if (this.#status === status) return;
    this.#status = status;
    this.emitSafely("status", status);
  }

  /** @internal */
  protected tellClosed(): void {
    this.#resolveClosed();
    this.emitSafely("close");
  }

  /** @internal */
  protected emitSafely(event: string, ...args: unknown[]): void {
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
