import {
  type BroadcastOptions,
  Client,
  type Connection,
  type ConnectionRequest,
  type ConnectionStream,
  RemoteError,
  type Server,
  type TraceContext,
} from "../index.ts";
import type { HeardBy, SentBy } from "./bind.ts";
import { claim } from "./claims.ts";
import { type Contract, type ContractInfo, infoOf } from "./contract.ts";
import { encode } from "./data.ts";
import { exportContract } from "./description.ts";
import { carrierOf, isBySubject } from "./event-carrier.ts";
import { IncomingEvents } from "./events.ts";
import { type Called, type Handling, requestHandler } from "./handler.ts";
import { InOrder } from "./in-order.ts";
import { canonicalJson } from "./json-schema/canonical-json.ts";
import { emitters, Listeners } from "./listeners.ts";
import {
  describeType,
  type Event,
  invalid,
  type Members,
  type Method,
  type Received,
  type Sent,
  type StreamMember,
} from "./members.ts";
import { publish } from "./publish.ts";
import { streamHandler } from "./stream-handler.ts";
import { tell } from "./tell.ts";

/** What a contract can be implemented on: for all clients, for one of them, or at a client for its server. */
export type Implementable = Server | Connection | Client;

/** Not by `instanceof`: a program that has started no server has not loaded the class. */
const isServer = (endpoint: Implementable): endpoint is Server => "connections" in endpoint;

type PeerEnd<E extends Implementable> = E extends Server ? Connection : E;

/** One caller of a contract, from the implementer's side. */
export interface Caller<M extends Members, E extends Connection | Client = Connection> {
  /** Sends an event to this one; as `write`. */
  readonly emit: SentBy<M, "to-caller">;
  /** What it is connected by. */
  readonly endpoint: E;
}

/** Has the call fail with an error of the contract. Never returns; `throw fail(…)` has the compiler know. */
export type Fail<Errors> = <C extends keyof Errors & string>(
  code: C,
  ...rest: undefined extends Sent<Errors[C]>
    ? [data?: Sent<Errors[C]>, message?: string]
    : [data: Sent<Errors[C]>, message?: string]
) => never;

/** What a handler is given besides its input. */
export interface Context<Errors, C> {
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** The trace that the call belongs to, if the caller said so: `context` among the options of its call. */
  readonly context: TraceContext | undefined;
  /** Who called. */
  readonly connection: C;
  readonly fail: Fail<Errors>;
}

/** What a handler returns: nothing at all will do if there may be nothing. */
export type Returned<Data> = undefined extends Data
  ? Data | void | Promise<Data> | Promise<void>
  : Data | Promise<Data>;

/** What a stream's handler is given besides its input. */
export type StreamContext<Errors, C, Items> = Context<Errors, C> &
  ([Items] extends [undefined]
    ? unknown
    : { /** The items from the caller. */ readonly items: AsyncIterable<Items> });

/** What a stream's handler returns: the items towards the caller, or nothing if there are none. */
export type Streamed<Output> = [Output] extends [undefined]
  ? Promise<void> | void
  : AsyncIterable<Output> | Iterable<Output> | Promise<AsyncIterable<Output> | Iterable<Output>>;

/** A function for each method, and for each stream. */
export type Handlers<M extends Members, E extends Implementable = Server> = {
  readonly [K in keyof M as M[K] extends Method | StreamMember ? K : never]: M[K] extends Method<
    infer I,
    infer O,
    infer X
  >
    ? (input: Received<I>, context: Context<X, Caller<M, PeerEnd<E>>>) => Returned<Sent<O>>
    : M[K] extends StreamMember<infer I, infer O, infer T, infer X>
      ? (
          input: Received<I>,
          context: StreamContext<X, Caller<M, PeerEnd<E>>, Received<T>>,
        ) => Streamed<Sent<O>>
      : never;
};

/** The same, put off until the members are known: TypeScript before 5.4 gives a handler's parameters no types otherwise. */
export type HandlersOf<M extends Members, E extends Implementable> = [Handlers<M, E>][M extends unknown
  ? 0
  : never];

/** A contract from its implementer's side. */
export interface Implementation<M extends Members, E extends Implementable = Server> {
  /** Sends an event: on a server to all, as `broadcast`, otherwise as `write`. */
  readonly emit: SentBy<M, "to-caller", E extends Server ? [options?: BroadcastOptions] : []>;
  /** Listens for an event. */
  readonly on: HeardBy<M, "from-caller", [context: { readonly connection: Caller<M, PeerEnd<E>> }]>;
  readonly endpoint: E;
  /** Takes the handlers away again; what they have begun goes on. */
  stop(): void;
}

/**
 * Implements a contract: on a server for all its clients, on one connection in place of the server's own, or on a client for its
 * server.
 *
 * @throws CallerError `ERR_INVALID_ARGUMENT` if a handler is missing, or if another contract of that endpoint uses one of the
 *   numbers.
 */
export function implement<M extends Members, E extends Implementable>(
  endpoint: E,
  contract: Contract<M>,
  handlers: HandlersOf<M, E>,
): Implementation<M, E> {
  const implementing = new Implementing(endpoint, contract, handlers as object);
  return implementing.start() as Implementation<M, E>;
}

class Implementing {
  readonly #endpoint: Implementable;
  readonly #contract: Contract;
  readonly #about: ContractInfo;
  readonly #handlers: object;
  readonly #listeners: Listeners;
  readonly #undo: (() => void)[] = [];
  readonly #callers = new WeakMap<Connection | Client, object>();

  constructor(endpoint: Implementable, contract: Contract, handlers: object) {
    this.#endpoint = endpoint;
    this.#contract = contract;
    this.#about = infoOf(contract);
    this.#handlers = handlers;
    this.#listeners = new Listeners(this.#about, "implementer", { first: () => this.#listen() });
  }

  start(): object {
    const endpoint = this.#endpoint;
    try {
      this.#undo.push(claim(endpoint, "implementer", this.#about));
      for (const [name, member] of Object.entries(this.#about.members)) {
        if (member.kind === "event") continue;
        const remove =
          member.kind === "method"
            ? endpoint.handle(member.number, requestHandler(this.#handling(name, member)))
            : endpoint.handleStream(member.number, streamHandler(this.#handling(name, member)));
        this.#undo.push(remove);
      }
      this.#undo.push(describeTo(endpoint, this.#contract));
    } catch (error) {
      this.#stop();
      throw error;
    }
    const send = (event: Event, name: string) => (data: unknown, options?: BroadcastOptions) => {
      const encoded = encode(this.#about.codec, { schema: event.data, what: `the event "${name}"` }, data);
      if (!isServer(endpoint)) return endpoint.write(event.number, encoded);
      if (!isBySubject(event) || carrierOf(endpoint) === undefined)
        return endpoint.broadcast(event.number, encoded, options);
      return publish(endpoint, { about: this.#about, event, name }, encoded, options);
    };
    const emit = emitters(this.#about, "implementer", send);
    return Object.freeze({ emit, on: this.#listeners.on, endpoint, stop: () => this.#stop() });
  }

  #stop(): void {
    for (const undo of this.#undo.splice(0)) undo();
  }

  #handling<H extends Method | StreamMember>(name: string, member: H): Handling<H> {
    const handler: unknown = (this.#handlers as Record<string, unknown>)[name];
    if (typeof handler !== "function") throw invalid(`there is no handler for "${name}"`);
    return {
      about: this.#about,
      name,
      member,
      handle: (input, context) => handler.call(this.#handlers, input, context),
      peerOf: (called) => {
        const end = this.#endOf(called);
        return { connection: this.#callerAt(end), order: orderOf(end) };
      },
      tellBug: (called, error) => tell(this.#concerned(this.#endOf(called)), error, true),
    };
  }

  #endOf(called: Called): Connection | Client {
    const { connection } = called as ConnectionRequest | ConnectionStream;
    return this.#endpoint instanceof Client ? this.#endpoint : connection;
  }

  #concerned(endpoint: Connection | Client) {
    return { endpoint, server: isServer(this.#endpoint) ? this.#endpoint : undefined };
  }

  #callerAt(end: Connection | Client): object {
    const known = this.#callers.get(end);
    if (known !== undefined) return known;
    const emit = emitters(this.#about, "implementer", (event, name) => (data: unknown) => {
      const part = { schema: event.data, what: `the event "${name}"` };
      return end.write(event.number, encode(this.#about.codec, part, data));
    });
    const caller = Object.freeze({ emit, endpoint: end });
    this.#callers.set(end, caller);
    return caller;
  }

  #listen(): void {
    const endpoint = this.#endpoint;
    const whose = isServer(endpoint) ? "servers" : "own";
    const listenAt = (end: Connection | Client): void => {
      const receivers = this.#listeners.receivers(this.#concerned(end), this.#callerAt(end));
      IncomingEvents.of(end).add(receivers, whose);
    };
    // What is undone is looked up then: a list of all connections would grow with each that comes and goes.
    const ends = () => (isServer(endpoint) ? endpoint.connections : [endpoint]);
    for (const end of ends()) listenAt(end);
    if (isServer(endpoint)) endpoint.on("connection", listenAt);
    this.#undo.push(() => {
      if (isServer(endpoint)) endpoint.off("connection", listenAt);
      for (const end of ends()) IncomingEvents.of(end).remove(this.#listeners.events, whose);
    });
  }
}

const orders = new WeakMap<Connection | Client, InOrder>();

/** Of the requests of all contracts that come by one connection. */
function orderOf(end: Connection | Client): InOrder {
  const known = orders.get(end) ?? new InOrder();
  orders.set(end, known);
  return known;
}

const described = new WeakMap<Implementable, Map<string, Contract>>();

/** Has the endpoint answer whoever asks for the description of its contracts. Source: spec/contracts.md. */
function describeTo(endpoint: Implementable, contract: Contract): () => void {
  const known = described.get(endpoint);
  const contracts = known ?? new Map<string, Contract>();
  const { name } = infoOf(contract);
  if (contracts.has(name)) throw invalid(`contract "${name}" is implemented there already`);
  if (known === undefined) endpoint.handle(describeType, ({ text }) => answer(contracts, text));
  described.set(endpoint, contracts);
  contracts.set(name, contract);
  return () => {
    contracts.delete(name);
  };
}

function answer(contracts: ReadonlyMap<string, Contract>, name: string): string {
  const contract = contracts.get(name);
  if (contract === undefined) throw new RemoteError("NO_CONTRACT", "there is no contract of that name");
  return canonicalJson(exportContract(contract));
}
