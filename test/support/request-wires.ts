import { Handlers } from "#dist/endpoint/handlers.js";
import { type HandlingOptions, IncomingRequests } from "#dist/endpoint/requests/incoming-requests.js";
import { OutgoingRequests } from "#dist/endpoint/requests/outgoing-requests.js";
import { type Answer, IncomingRequest, type RequestHandler } from "#dist/endpoint/requests/request.js";
import type {
  ReceivedAnswer,
  ReceivedFailure,
  ReceivedRequest,
  RequestWire,
} from "#dist/endpoint/requests/request-wire.js";
import type { Failure, RequestContent } from "#dist/protocol/session.js";

/** Keeps what it is given, as lines, for a test that is the peer. */
export class RecordingWire implements RequestWire {
  isConnected = true;
  readonly sent: string[] = [];
  readonly positions: number[] = [];
  congested = false;
  #lastId = 0;
  /** What the next requests and answers are refused with, one after the other. */
  readonly refusals: (Error | undefined)[] = [];

  ask(type: number, data: Uint8Array): number {
    this.#refuse();
    this.#lastId += 1;
    this.sent.push(`request ${this.#lastId} ${type} ${text(data)}`.trimEnd());
    return this.#lastId;
  }

  askAdmin(operation: number, data: Uint8Array): number {
    this.#lastId += 1;
    this.sent.push(`admin ${this.#lastId} ${operation} ${text(data)}`.trimEnd());
    return this.#lastId;
  }

  answer(id: number, data: Uint8Array): void {
    this.#refuse();
    this.sent.push(`answer ${id} ${text(data)}`.trimEnd());
  }

  fail(id: number, { code, message, data }: Failure): void {
    this.sent.push(`failure ${id} ${code} ${message} ${data === undefined ? "" : text(data)}`.trimEnd());
  }

  cancel(id: number): void {
    this.sent.push(`cancel ${id}`);
  }

  consumed(position: number): void {
    this.positions.push(position);
  }

  #refuse(): void {
    const refusal = this.refusals.shift();
    if (refusal !== undefined) throw refusal;
  }
}

export interface RequestsOptions {
  readonly handlers?: Readonly<Record<number, RequestHandler>>;
  readonly maxConcurrentRequests?: number;
  readonly exposeStacks?: boolean;
}

/** What a client would give its requests. */
export function handling({
  handlers = {},
  maxConcurrentRequests = 256,
  exposeStacks = false,
}: RequestsOptions = {}): HandlingOptions<IncomingRequest> {
  const registry = new Handlers<RequestHandler<IncomingRequest>>("requests");
  for (const [type, handler] of Object.entries(handlers)) registry.add(Number(type), handler);
  return {
    handlers: registry,
    maxConcurrentRequests,
    exposeStacks,
    makeRequest: (content, abort) => new IncomingRequest(content, abort),
  };
}

/** The requests of one end, both ways. */
export class Requests {
  readonly #asked: OutgoingRequests;
  readonly #handled: IncomingRequests<IncomingRequest>;

  constructor(wire: RequestWire, options: HandlingOptions<IncomingRequest>) {
    this.#asked = new OutgoingRequests(wire);
    this.#handled = new IncomingRequests(wire, options);
  }

  get pending(): number {
    return this.#asked.count;
  }

  get running(): number {
    return this.#handled.running;
  }

  get waiting(): number {
    return this.#handled.waiting;
  }

  request(...given: Parameters<OutgoingRequests["request"]>): Promise<Answer> {
    return this.#asked.request(...given);
  }

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

  progressed(): void {
    this.#handled.startWaiting();
  }

  lost(error: unknown, unsent?: readonly RequestContent[]): void {
    this.#asked.lost(error, unsent);
    this.#handled.lost(error);
  }

  end(error: unknown): void {
    this.#asked.end(error);
    this.#handled.end(error);
  }
}

/** One end of a wire without sockets: what is sent in a turn of the event loop arrives in the next. */
class LinkedWire implements RequestWire {
  isConnected = true;
  readonly congested = false;
  readonly requests: Requests;
  peer: LinkedWire | undefined;
  readonly positions: number[] = [];
  #waiting: ((requests: Requests) => void)[] = [];
  #lastId = 0;

  constructor(options: RequestsOptions) {
    this.requests = new Requests(this, handling(options));
  }

  ask(type: number, data: Uint8Array): number {
    const copy = data.slice();
    this.#lastId += 1;
    const id = this.#lastId;
    this.#send((requests) => requests.received({ id, type, data: copy, position: id }));
    return id;
  }

  askAdmin(): never {
    throw new Error("neither end is a server");
  }

  answer(id: number, data: Uint8Array): void {
    const copy = data.slice();
    this.#send((requests) => requests.answered({ id, data: copy }));
  }

  fail(id: number, { code, message, data }: Failure): void {
    this.#send((requests) => requests.failed({ id, code, message, data: data?.slice() }));
  }

  cancel(id: number): void {
    this.#send((requests) => requests.cancelled({ id }));
  }

  consumed(position: number): void {
    this.positions.push(position);
  }

  #send(arrive: (requests: Requests) => void): void {
    this.#waiting.push(arrive);
    if (this.#waiting.length === 1) setImmediate(() => this.#deliver());
  }

  #deliver(): void {
    const arriving = this.#waiting;
    this.#waiting = [];
    const { requests } = this.peer as LinkedWire;
    for (const arrive of arriving) arrive(requests);
  }
}

/** The requests of two ends that talk to each other, and the positions that each has consumed. */
export function linkedRequests(
  one: RequestsOptions,
  other: RequestsOptions,
): readonly [LinkedWire, LinkedWire] {
  const wires = [new LinkedWire(one), new LinkedWire(other)] as const;
  wires[0].peer = wires[1];
  wires[1].peer = wires[0];
  return wires;
}

function text(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}
