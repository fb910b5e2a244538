import type { HandlingOptions } from "#dist/endpoint/requests/handled-requests.js";
import { IncomingRequest, type RequestHandler } from "#dist/endpoint/requests/request.js";
import { RequestHandlers } from "#dist/endpoint/requests/request-handlers.js";
import type { RequestWire } from "#dist/endpoint/requests/request-wire.js";
import { Requests } from "#dist/endpoint/requests/requests.js";

/** Keeps what it is given, as lines, for a test that is the peer. */
export class RecordingWire implements RequestWire {
  readonly sent: string[] = [];
  readonly marks: number[] = [];
  congested = false;
  /** What the next request or answer is refused with. */
  refusal: Error | undefined;

  sendRequest(id: number, type: number, data: Uint8Array): void {
    this.#refuse();
    this.sent.push(`request ${id} ${type} ${text(data)}`.trimEnd());
  }

  sendAnswer(id: number, data: Uint8Array): void {
    this.#refuse();
    this.sent.push(`answer ${id} ${text(data)}`.trimEnd());
  }

  sendFailure(id: number, code: string, message: string): void {
    this.sent.push(`failure ${id} ${code} ${message}`.trimEnd());
  }

  sendCancel(id: number): void {
    this.sent.push(`cancel ${id}`);
  }

  taken(mark: number): void {
    this.marks.push(mark);
  }

  #refuse(): void {
    const { refusal } = this;
    this.refusal = undefined;
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
  const registry = new RequestHandlers<IncomingRequest>();
  for (const [type, handler] of Object.entries(handlers)) registry.add(Number(type), handler);
  return {
    handlers: registry,
    maxConcurrentRequests,
    exposeStacks,
    makeRequest: (content, abort) => new IncomingRequest(content, abort),
  };
}

/** One end of a wire without sockets: what is sent in a turn of the event loop arrives in the next. */
class LinkedWire implements RequestWire {
  readonly congested = false;
  readonly requests: Requests<IncomingRequest>;
  peer: LinkedWire | undefined;
  readonly marks: number[] = [];
  #waiting: ((requests: Requests<IncomingRequest>) => void)[] = [];
  #lastMark = 0;

  constructor(options: RequestsOptions) {
    this.requests = new Requests(this, handling(options));
  }

  sendRequest(id: number, type: number, data: Uint8Array): void {
    const copy = data.slice();
    this.#lastMark += 1;
    const mark = this.#lastMark;
    this.#send((requests) => requests.received({ id, type, data: copy, mark }));
  }

  sendAnswer(id: number, data: Uint8Array): void {
    const copy = data.slice();
    this.#send((requests) => requests.answered({ id, data: copy }));
  }

  sendFailure(id: number, code: string, message: string): void {
    this.#send((requests) => requests.failed({ id, code, message }));
  }

  sendCancel(id: number): void {
    this.#send((requests) => requests.cancelled({ id }));
  }

  taken(mark: number): void {
    this.marks.push(mark);
  }

  #send(arrive: (requests: Requests<IncomingRequest>) => void): void {
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

/** The requests of two ends that talk to each other, and the marks that each has taken. */
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
