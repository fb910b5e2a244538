import { releaseData } from "../../protocol/memory.ts";
import { Message, type MessageData, noData } from "../messages/message.ts";
import { toText } from "../messages/text.ts";

/** What a request was answered with. */
export class Answer {
  /** What the handler returned. It is yours, as that of a {@link Message} is. */
  readonly data: Uint8Array;

  constructor(data: Uint8Array) {
    this.data = data;
  }

  /** `data` as UTF-8 text, with the byte order mark, if there is one. Bytes that are no UTF-8 become U+FFFD. */
  get text(): string {
    return toText(this.data);
  }

  /** Gives the memory of `data` back at once, which is empty from then on. See {@link Message.release}. */
  release(): void {
    releaseData(this.data);
    (this as { data: Uint8Array }).data = noData();
  }
}

/** What the peer asks, as a handler is given it. */
export class IncomingRequest extends Message {
  readonly #abort: { readonly signal: AbortSignal };

  /** For tests of a handler an `AbortController` will do as `abort`. */
  constructor({ type, data }: Pick<Message, "type" | "data">, abort: { readonly signal: AbortSignal }) {
    super(type, data);
    this.#abort = abort;
  }

  /**
   * Aborts when nobody waits for the answer any more: the peer gave up, or the connection is closed or its session lost.
   * Nothing that the handler returns or throws after that is sent.
   */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }
}

/** What a handler may return; `undefined` is an answer without data. */
export type HandlerAnswer = MessageData | undefined;

/**
 * Answers requests of one type. What it throws, or its promise rejects with, rejects the peer's request: with the
 * error's `code`, where that is a string of 1 to 64 characters of `A-Z 0-9 _`, else with `ERR_HANDLER_FAILED`, and with
 * its message. Its stack stays here, unless `exposeStacks` is on.
 */
export type RequestHandler<R extends IncomingRequest = IncomingRequest> = (
  request: R,
) => HandlerAnswer | Promise<HandlerAnswer>;
