import type { Message } from "../messages/message.ts";
import type { Inbox } from "./inbox.ts";

/**
 * Not `AsyncIterableIterator`, which takes no type of what it returns before TypeScript 5.6: there a message would silently
 * be `any`.
 */
export interface Messages<M extends Message> extends AsyncIterator<M, undefined> {
  [Symbol.asyncIterator](): Messages<M>;
}

/**
 * Takes messages one after another, for `for await`. One that is left takes no more: a `next` that waited is done, and
 * the message that would have been its own is someone else's.
 */
export class MessageIterator<M extends Message> implements Messages<M>, AsyncDisposable {
  readonly #inbox: Inbox<M>;
  readonly #leaving = new Set<() => void>();
  #left = false;

  constructor(inbox: Inbox<M>) {
    this.#inbox = inbox;
  }

  /** The next message; done where the inbox ended in order or the iterator was left. Throws where the inbox failed. */
  next(): Promise<IteratorResult<M, undefined>> {
    return this.#left ? Promise.resolve(done) : this.#inbox.next(this.#leaving);
  }

  async return(): Promise<IteratorResult<M, undefined>> {
    this.#left = true;
    for (const leave of this.#leaving) leave();
    return done;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

const done: IteratorResult<never, undefined> = { done: true, value: undefined };
