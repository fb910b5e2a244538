import type { RequestEvent } from "../driver/engine-driver.ts";
import type { MessageData } from "../messages/message.ts";
import type { RequestOptions } from "../options/options.ts";
import { HandledRequests, type HandlingOptions } from "./handled-requests.ts";
import { PendingRequests } from "./pending-requests.ts";
import type { Answer, IncomingRequest } from "./request.ts";
import type { ReceivedAnswer, ReceivedFailure, ReceivedRequest, RequestWire } from "./request-wire.ts";

/** Tells what has arrived. @throws PeerError for which the session is to be ended. */
export function tellRequests(
  requests: Pick<Requests<IncomingRequest>, "received" | "answered" | "failed" | "cancelled">,
  event: RequestEvent,
): void {
  switch (event.kind) {
    case "request":
      requests.received(event);
      return;
    case "answer":
      requests.answered(event);
      return;
    case "failure":
      requests.failed(event);
      return;
    case "cancel":
      requests.cancelled(event);
  }
}

/** The requests of one connection, both ways. Who owns it says what arrives, and when nothing more will. */
export class Requests<R extends IncomingRequest> {
  readonly #asked: PendingRequests;
  readonly #handled: HandledRequests<R>;

  constructor(wire: RequestWire, options: HandlingOptions<R>) {
    this.#asked = new PendingRequests(wire);
    this.#handled = new HandledRequests(wire, options);
  }

  /** Requests of ours without an answer. */
  get pending(): number {
    return this.#asked.count;
  }

  /** Whether a request of ours waits for its answer. */
  has(id: number): boolean {
    return this.#asked.has(id);
  }

  /** The peer's requests with a handler at work, whether the peer still waits or not. */
  get running(): number {
    return this.#handled.running;
  }

  /** The peer's requests that wait for a handler to be free. */
  get waiting(): number {
    return this.#handled.waiting;
  }

  /** The promise settles, whatever happens. */
  request(type: number, data: MessageData, options?: RequestOptions): Promise<Answer> {
    return this.#asked.request(type, data, options);
  }

  /** @throws PeerError `ERR_FRAME_INVALID`, for which the session is to be ended. */
  received(request: ReceivedRequest): void {
    this.#handled.received(request);
  }

  answered(answer: ReceivedAnswer): void {
    this.#asked.answered(answer);
  }

  failed(failure: ReceivedFailure): void {
    this.#asked.failed(failure);
  }

  cancelled(cancel: { readonly id: number }): void {
    this.#handled.cancelled(cancel);
  }

  /** The wire is no longer congested. */
  progressed(): void {
    this.#handled.startWaiting();
  }

  /**
   * The session is lost. Requests of ours that may have reached the peer are rejected with the error; those of `kept` go
   * out in the next session. What the peer asked in the lost one is over.
   */
  lost(error: unknown, kept?: ReadonlySet<number>): void {
    this.#asked.lostBut(error, kept);
    this.#handled.lost(error);
  }

  /** These requests of ours cannot be sent after all. */
  unsent(error: unknown, ids: Iterable<number>): void {
    this.#asked.lost(error, ids);
  }

  /** Nothing more will arrive, nor can anything be sent. */
  end(error: unknown): void {
    this.#asked.end(error);
    this.#handled.end(error);
  }
}
