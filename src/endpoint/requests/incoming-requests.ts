import type { MessageContent } from "../../protocol/message.ts";
import type { Failure } from "../../protocol/session.ts";
import { type MessageData, toBytes } from "../messages/message.ts";
import { Fifo } from "../reading/fifo.ts";
import { LazyAbort } from "./lazy-abort.ts";
import type { IncomingRequest } from "./request.ts";
import { failureOf, noHandler } from "./request-failure.ts";
import type { RequestHandlers } from "./request-handlers.ts";
import type { ReceivedRequest, RequestWire } from "./request-wire.ts";

export interface HandlingOptions<R extends IncomingRequest> {
  readonly handlers: RequestHandlers<R>;
  /** Most handlers at work at a time. */
  readonly maxConcurrentRequests: number;
  readonly exposeStacks: boolean;
  /** What a handler is given. */
  makeRequest(content: MessageContent, abort: { readonly signal: AbortSignal }): R;
}

interface Handling<R> {
  readonly id: number;
  readonly position: number;
  readonly request: R;
  readonly abort: LazyAbort;
}

const noData = new Uint8Array(0);

/**
 * What the peer asks of us. Requests wait in order for a handler to be free; how many wait is bounded by the lane's
 * window, as they are not consumed before.
 */
export class IncomingRequests<R extends IncomingRequest> {
  readonly #wire: Omit<RequestWire, "ask" | "cancel" | "isConnected">;
  readonly #options: HandlingOptions<R>;
  /** Those that the peer waits for, by id: waiting here, or with a handler at work. */
  readonly #wanted = new Map<number, Handling<R>>();
  readonly #waiting = new Fifo<Handling<R>>();
  /** Handlers at work, also for requests that nobody wants any more: a handler may be deaf to its signal. */
  #running = 0;
  #starting = false;
  #ended = false;

  constructor(wire: Omit<RequestWire, "ask" | "cancel" | "isConnected">, options: HandlingOptions<R>) {
    this.#wire = wire;
    this.#options = options;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  received(received: ReceivedRequest): void {
    if (this.#ended) return;
    const { id, position } = received;
    const abort = new LazyAbort();
    const handling = { id, position, abort, request: this.#options.makeRequest(received, abort) };
    this.#wanted.set(id, handling);
    this.#waiting.push(handling);
    this.startWaiting();
  }

  cancelled({ id }: { readonly id: number }): void {
    const handling = this.#wanted.get(id);
    if (handling === undefined) return;
    this.#wanted.delete(id);
    handling.abort.abort();
    // One that waits keeps its place until it is at the front, so that requests are consumed in order.
    this.startWaiting();
  }

  /** The peer forgot what it asked. */
  lost(error: unknown): void {
    const wanted = [...this.#wanted.values()];
    this.#wanted.clear();
    this.#waiting.clear();
    for (const { abort } of wanted) abort.abort(error);
  }

  /** As `lost`, and what still comes is dropped. */
  end(error: unknown): void {
    this.#ended = true;
    this.lost(error);
  }

  /** Starts handlers while there may be more of them. */
  startWaiting(): void {
    // A handler that answers at once comes back here: going on in this loop keeps the stack flat.
    if (this.#starting) return;
    this.#starting = true;
    for (;;) {
      const next = this.#waiting.first;
      if (next === undefined) break;
      const wanted = this.#isWanted(next);
      if (wanted && !this.#mayStart) break;
      this.#waiting.shift();
      this.#wire.consumed(next.position);
      if (wanted) this.#start(next);
    }
    this.#starting = false;
  }

  get #mayStart(): boolean {
    return this.#running < this.#options.maxConcurrentRequests && !this.#wire.congested;
  }

  #isWanted(handling: Handling<R>): boolean {
    return this.#wanted.get(handling.id) === handling;
  }

  #start(handling: Handling<R>): void {
    const { id, request } = handling;
    const handler = this.#options.handlers.find(request.type);
    if (handler === undefined) {
      this.#wanted.delete(id);
      this.#sendFailure(id, noHandler(request.type));
      return;
    }
    this.#running += 1;
    let answer: unknown;
    try {
      answer = handler(request);
      if (isThenable(answer)) {
        this.#await(handling, answer);
        return;
      }
    } catch (error) {
      this.#failed(handling, error);
      return;
    }
    this.#returned(handling, answer);
  }

  #await(handling: Handling<R>, answer: PromiseLike<unknown>): void {
    Promise.resolve(answer).then(
      (data) => this.#returned(handling, data),
      (error: unknown) => this.#failed(handling, error),
    );
  }

  #returned(handling: Handling<R>, answer: unknown): void {
    if (this.#finish(handling)) this.#sendAnswer(handling.id, answer);
    this.startWaiting();
  }

  #failed(handling: Handling<R>, thrown: unknown): void {
    if (this.#finish(handling)) this.#sendFailure(handling.id, failureOf(thrown, this.#options.exposeStacks));
    this.startWaiting();
  }

  /** A handler is done. Whether the peer still waits for what it gave. */
  #finish(handling: Handling<R>): boolean {
    this.#running -= 1;
    return this.#isWanted(handling) && this.#wanted.delete(handling.id);
  }

  #sendAnswer(id: number, answer: unknown): void {
    try {
      this.#wire.answer(id, bytesOf(answer));
    } catch (error) {
      this.#sendFailure(id, failureOf(error, false));
    }
  }

  #sendFailure(id: number, failure: Failure): void {
    this.#wire.fail(id, failure);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
}

function bytesOf(answer: unknown): Uint8Array {
  if (answer === undefined) return noData;
  try {
    return toBytes(answer as MessageData);
  } catch (error) {
    // Not our own error for wrong data: its code would blame the peer that asked.
    throw new TypeError(`the handler returned no answer: ${(error as Error).message}`);
  }
}
