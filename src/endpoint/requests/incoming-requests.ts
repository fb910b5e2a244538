import { IdMap } from "../../protocol/id-map.ts";
import type { Failure, RequestContent } from "../../protocol/session.ts";
import {
  type About,
  aboutNobody,
  isTraced,
  publishData,
  bytesOf as sizeOf,
  type Traced,
  traced,
  tracings,
} from "../diagnostics.ts";
import type { Handlers } from "../handlers.ts";
import { type MessageData, toBytes } from "../messages/message.ts";
import { Fifo } from "../reading/fifo.ts";
import type { HandledRequests } from "../stats.ts";
import { LazyAbort } from "./lazy-abort.ts";
import type { IncomingRequest, RequestHandler } from "./request.ts";
import { failureOf, noHandler, notAllowed } from "./request-failure.ts";
import type { ReceivedRequest, RequestWire } from "./request-wire.ts";

export interface HandlingOptions<R extends IncomingRequest> {
  /** Whose they are, for diagnostics. */
  readonly about?: About;
  readonly handlers: Handlers<RequestHandler<R>>;
  /** Server: what answers requests to the library itself. */
  readonly admin?: { find(operation: number): RequestHandler<R> | undefined } | undefined;
  /** Max number of handlers that run at a time. */
  readonly maxConcurrentRequests: number;
  readonly exposeStacks: boolean;
  /** Makes the argument of a handler. */
  makeRequest(content: Omit<RequestContent, "id">, abort: { readonly signal: AbortSignal }): R;
}

/** One of the peer's requests, which its signal aborts. */
class Handling<R> extends LazyAbort {
  readonly id: number;
  readonly position: number;
  readonly isAdmin: boolean;
  readonly request: R;

  constructor(
    received: ReceivedRequest,
    makeRequest: (content: ReceivedRequest, abort: { readonly signal: AbortSignal }) => R,
  ) {
    super();
    this.isAdmin = received.isAdmin === true;
    this.id = received.id;
    this.position = received.position;
    this.request = makeRequest(received, this);
  }
}

const noData = new Uint8Array(0);

/**
 * Requests from the peer. They wait in order until a handler may start; the lane's window bounds how many wait,
 * because they are not consumed before.
 */
export class IncomingRequests<R extends IncomingRequest> {
  readonly #wire: Omit<RequestWire, "ask" | "askAdmin" | "cancel" | "isConnected">;
  readonly #options: HandlingOptions<R>;
  /** Requests that the peer waits for, by id: waiting here, or with a running handler. */
  readonly #wanted = new IdMap<Handling<R>>();
  readonly #waiting = new Fifo<Handling<R>>();
  /** Running handlers, including those of cancelled requests: a handler may ignore its signal. */
  #running = 0;
  readonly #counts = { answered: 0, failed: 0, cancelled: 0, lost: 0 };
  #starting = false;
  #ended = false;

  constructor(
    wire: Omit<RequestWire, "ask" | "askAdmin" | "cancel" | "isConnected">,
    options: HandlingOptions<R>,
  ) {
    this.#wire = wire;
    this.#options = options;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get stats(): HandledRequests {
    return { running: this.#running, waiting: this.#waiting.length, ...this.#counts };
  }

  received(received: ReceivedRequest): void {
    if (this.#ended) return;
    const handling = new Handling(received, this.#options.makeRequest);
    this.#wanted.add(received.id, handling);
    this.#waiting.push(handling);
    this.startWaiting();
  }

  cancelled({ id }: { readonly id: number }): void {
    const handling = this.#wanted.get(id);
    if (handling === undefined) return;
    this.#wanted.delete(id);
    this.#counts.cancelled += 1;
    handling.abort();
    // A waiting request keeps its place until it is at the front, so that requests are consumed in order.
    this.startWaiting();
  }

  /** The session is lost: the peer waits for no answer any more. */
  lost(error: unknown): void {
    const wanted = this.#wanted.values();
    this.#counts.lost += wanted.length;
    this.#wanted.clear();
    this.#waiting.clear();
    for (const handling of wanted) handling.abort(error);
  }

  /** Like `lost`, and requests that still arrive are dropped. */
  end(error: unknown): void {
    this.#ended = true;
    this.lost(error);
  }

  /** Starts handlers while more of them may run. */
  startWaiting(): void {
    // A handler that answers at once calls this again: to go on in the loop below keeps the stack flat.
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
    const { id, isAdmin, request } = handling;
    const { handlers, admin } = this.#options;
    const handler = isAdmin ? admin?.find(request.type) : handlers.find(request.type);
    if (handler === undefined) {
      this.#wanted.delete(id);
      this.#sendFailure(id, isAdmin ? notAllowed() : noHandler(request.type));
      return;
    }
    this.#running += 1;
    let answer: unknown;
    try {
      answer = !isAdmin && isTraced(tracings.handler) ? this.#traced(handler, request) : handler(request);
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

  #traced(handler: RequestHandler<R>, request: R): unknown {
    const { type, data, context } = request;
    const about = this.#options.about ?? aboutNobody;
    const event: Traced = { ...about, type, bytes: data.length, context };
    return traced(tracings.handler, event, async () => {
      publishData({ of: event, kind: "request", isSent: false, data });
      const answer = await handler(request);
      publishData({ of: event, kind: "answer", isSent: true, data: answer });
      event.answerBytes = sizeOf(answer);
      return answer;
    });
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

  /** A handler is done. Returns whether the peer still waits for its result. */
  #finish(handling: Handling<R>): boolean {
    this.#running -= 1;
    return this.#isWanted(handling) && this.#wanted.delete(handling.id);
  }

  #sendAnswer(id: number, answer: unknown): void {
    try {
      this.#wire.answer(id, bytesOf(answer));
      this.#counts.answered += 1;
    } catch (error) {
      this.#sendFailure(id, failureOf(error, false));
    }
  }

  #sendFailure(id: number, failure: Failure): void {
    this.#counts.failed += 1;
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
    // Not the library's own error for wrong data: its code would blame the peer that sent the request.
    throw new TypeError(`the handler did not return an answer: ${(error as Error).message}`);
  }
}
