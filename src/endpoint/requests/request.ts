import type { TraceContext } from "../../protocol/session.ts";
import { Message, type MessageData } from "../messages/message.ts";
import { Payload } from "../messages/payload.ts";

/** The answer to a request: `data` is what the handler returned. */
export class Answer extends Payload {}

/** What a request begins with. */
export interface RequestStart extends Pick<Message, "type" | "data"> {
  readonly context?: TraceContext | undefined;
}

/** A request from the peer: the argument of a handler. */
export class IncomingRequest extends Message {
  /** The trace that it belongs to, if its sender said so: `context` of {@link RequestOptions}. */
  readonly context: TraceContext | undefined;
  readonly #abort: { readonly signal: AbortSignal };

  /** To test a handler, pass an `AbortController` as `abort`. */
  constructor({ type, data, context }: RequestStart, abort: { readonly signal: AbortSignal }) {
    super(type, data);
    this.context = context;
    this.#abort = abort;
  }

  /**
   * Aborts when nobody waits for the answer any more: the peer gave up, the connection is closed, or its session is
   * lost. What the handler returns or throws after that is not sent.
   */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }
}

/** What a handler may return; `undefined` is an answer without data. */
export type HandlerAnswer = MessageData | undefined;

/**
 * Answers requests of one type. If it throws, or its promise rejects, the peer's request rejects with the error's
 * `code`, if that is a string of 1 to 64 characters of `A-Z 0-9 _`, or else `ERR_HANDLER_FAILED`, and with its
 * message. The stack is not sent, unless `exposeStacks` is on.
 */
export type RequestHandler<R extends IncomingRequest = IncomingRequest> = (
  request: R,
) => HandlerAnswer | Promise<HandlerAnswer>;
