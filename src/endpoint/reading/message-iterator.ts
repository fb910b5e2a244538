import type { Message } from "../messages/message.ts";
import type { Inbox } from "./inbox.ts";

/**
 * Not `AsyncIterableIterator`, which before TypeScript 5.6 has no parameter for the return type: there a message
 * would silently be `any`.
 */
export interface Messages<M extends Message> extends AsyncIterator<M, undefined> {
  [Symbol.asyncIterator](): Messages<M>;
}

/**
 * Reads messages one after another, for `for await`. Once its loop has ended it reads no more: a pending `next` is
 * done, and the next message goes to another reader.
 */
export class MessageIterator<M extends Message> implements Messages<M>, AsyncDisposable {
  readonly #inbox: Inbox<M>;
  readonly #leaving = new Set<() => void>();
  #left = false;

  constructor(inbox: Inbox<M>) {
    this.#inbox = inbox;
  }

  /** The next message; done if the inbox ended in order or `return` was called. Throws if the inbox failed. */
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
