import { CallerError, PeerError } from "../../errors.ts";
import type { Session } from "../../protocol/session.ts";
import type { Message } from "../messages/message.ts";
import { parseReadOptions, type ReadOptions } from "../options/call-options.ts";
import { Fifo } from "./fifo.ts";
import { type Waiter, waitAmong } from "./waiter.ts";

/** The source of messages. A message may wait longer than its session lasts. */
export interface MessageSource {
  /** The session from which messages come now. */
  readonly session: Session | undefined;
  /** A message waits to be read. */
  queued(message: Message): void;
  /** It no longer waits: the application has consumed it. It came from that session, with that position. */
  taken(message: Message, session: Session | undefined, position: number): void;
  /** The application has consumed a message on arrival. */
  passed(session: Session | undefined, position: number): void;
  /** A message that waited will not be read, and must not be acknowledged. */
  dropped(message: Message): void;
}

interface Entry<M> {
  readonly message: M;
  readonly source: MessageSource;
  readonly session: Session | undefined;
  readonly position: number;
}

interface MessageWaiter<M> extends Waiter<M> {
  /** `inOrder`: the inbox has ended without an error. */
  reject(error: unknown, inOrder?: boolean): void;
}

/** Listeners, which consume messages on arrival. */
export interface MessageListeners<M> {
  readonly present: boolean;
  emit(message: M): void;
}

/** How an inbox ended: in order, or with an error. */
interface Ending {
  readonly error: unknown;
}

/**
 * Messages on their way from connections to the application. Each goes to the `read` that has waited longest, or else
 * to the listeners, or else it waits here.
 */
export class Inbox<M extends Message> {
  readonly #listeners: MessageListeners<M>;
  readonly #entries = new Fifo<Entry<M>>();
  /** Made for the first: an endpoint with listeners has none, and there is one inbox for each connection. */
  #waiters: Set<MessageWaiter<M>> | undefined;
  #ending: Ending | undefined;
  /** Nobody will read any more: messages that arrive are dropped. */
  #drops = false;

  constructor(listeners: MessageListeners<M>) {
    this.#listeners = listeners;
  }

  /** `position` is the message's position in its session. */
  deliver(message: M, source: MessageSource, position: number): void {
    if (this.#drops) return;
    const { session } = source;
    if (this.#pass(message)) {
      source.passed(session, position);
      return;
    }
    this.#entries.push({ message, source, session, position });
    source.queued(message);
  }

  /** Passes waiting messages to the listeners, while there are any. */
  drain(): void {
    while (this.#listeners.present) {
      const entry = this.#entries.shift();
      if (entry === undefined) return;
      this.#listeners.emit(entry.message);
      // Only now: a source that learns of room may deliver the next message at once.
      entry.source.taken(entry.message, entry.session, entry.position);
    }
  }

  /**
   * The next message.
   * @throws PeerError `ERR_READ_TIMEOUT`, CallerError `ERR_CLOSED` at the end, the error that ended it, or the signal's
   *   reason.
   */
  read(options?: ReadOptions): Promise<M> {
    const parsed = parseReadOptions(options);
    if (parsed.signal?.aborted) return Promise.reject(parsed.signal.reason);
    const entry = this.#entries.shift();
    if (entry !== undefined) {
      entry.source.taken(entry.message, entry.session, entry.position);
      return Promise.resolve(entry.message);
    }
    if (this.#ending !== undefined) return Promise.reject(this.#ending.error ?? closedError());
    return waitAmong(this.#waiting, parsed, readTimeout);
  }

  /**
   * The next message, for an iterator: done if the inbox ended in order, throws if it failed. While it waits,
   * `leaving` contains a function that ends the wait, with the same result as an orderly end.
   */
  async next(leaving: Set<() => void>): Promise<IteratorResult<M, undefined>> {
    const entry = this.#entries.shift();
    if (entry !== undefined) {
      entry.source.taken(entry.message, entry.session, entry.position);
      return { done: false, value: entry.message };
    }
    if (this.#ending === undefined) return this.#waitForNext(leaving);
    if (this.#ending.error !== undefined) throw this.#ending.error;
    return { done: true, value: undefined };
  }

  /** No more messages will come. Those that wait can still be read, unless they are to be dropped. */
  end(error: unknown, unread: "keep" | "drop"): void {
    if (unread === "drop") {
      this.#drops = true;
      for (const { message, source } of this.#entries.clear()) source.dropped(message);
    }
    if (this.#ending !== undefined) return;
    this.#ending = { error };
    const waiters = this.#waiters;
    this.#waiters = undefined;
    for (const waiter of waiters ?? []) waiter.reject(error ?? closedError(), error === undefined);
  }

  /** Moves the waiting messages of `source` to another inbox. */
  moveTo(target: Inbox<M>, source: MessageSource): void {
    if (target.#drops) {
      this.drop(source);
      return;
    }
    const passed: Entry<M>[] = [];
    for (const entry of this.#extract(source)) {
      if (target.#pass(entry.message)) passed.push(entry);
      else target.#entries.push(entry);
    }
    // Only now: a source that learns of room may deliver the next message at once.
    for (const { message, session, position } of passed) source.taken(message, session, position);
  }

  /** Drops the waiting messages of `source`. */
  drop(source: MessageSource): void {
    for (const { message } of this.#extract(source)) source.dropped(message);
  }

  /** Passes the message to a `read` or the listeners, if there is one; returns whether it did. */
  #pass(message: M): boolean {
    if (this.#waiters !== undefined && this.#waiters.size > 0) {
      const [waiter] = this.#waiters as Iterable<MessageWaiter<M>> as [MessageWaiter<M>];
      waiter.resolve(message);
      return true;
    }
    if (this.#entries.length > 0 || !this.#listeners.present) return false;
    this.#listeners.emit(message);
    return true;
  }

  get #waiting(): Set<MessageWaiter<M>> {
    this.#waiters ??= new Set();
    return this.#waiters;
  }

  #waitForNext(leaving: Set<() => void>): Promise<IteratorResult<M, undefined>> {
    return new Promise((resolve, reject) => {
      const settled = (): void => {
        leaving.delete(leave);
        this.#waiters?.delete(waiter);
      };
      const leave = (): void => {
        settled();
        resolve({ done: true, value: undefined });
      };
      const waiter: MessageWaiter<M> = {
        resolve(value) {
          settled();
          resolve({ done: false, value });
        },
        reject(error, inOrder) {
          if (inOrder) return leave();
          settled();
          reject(error);
        },
      };
      leaving.add(leave);
      this.#waiting.add(waiter);
    });
  }

  #extract(source: MessageSource): Entry<M>[] {
    const waiting = this.#entries.clear();
    for (const entry of waiting) if (entry.source !== source) this.#entries.push(entry);
    return waiting.filter((entry) => entry.source === source);
  }
}

/** `cause`: what closed it, if that was not a call of `close`. */
export function closedError(cause?: Error): CallerError {
  const message = "it is closed: there is nothing more to read or to write";
  return new CallerError("ERR_CLOSED", message, cause === undefined ? undefined : { cause });
}

function readTimeout(timeoutMs: number): PeerError {
  return new PeerError("ERR_READ_TIMEOUT", `no message arrived within ${timeoutMs} ms`);
}
