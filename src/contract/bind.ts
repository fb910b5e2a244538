import {
  Client,
  type Connection,
  type OpenStreamOptions,
  type RequestOptions,
  type SealpipeError,
} from "../index.ts";
import { Agreement, type AgreeOptions } from "./agreement.ts";
import { callOf } from "./call.ts";
import { type CalledStream, openingOf } from "./called-stream.ts";
import { claim } from "./claims.ts";
import { type Contract, type ContractInfo, infoOf } from "./contract.ts";
import { encode } from "./data.ts";
import { IncomingEvents } from "./events.ts";
import { emitters, Listeners } from "./listeners.ts";
import type { Event, Members, Method, Received, Sent, StreamMember } from "./members.ts";
import { subscribe } from "./subscribe.ts";

/** Calls a method of the peer's. What may be left out is optional. */
export type Call<Input, Output> = undefined extends Input
  ? (input?: Input, options?: RequestOptions) => Promise<Output>
  : (input: Input, options?: RequestOptions) => Promise<Output>;

/** Opens a stream to the peer. What may be left out is optional. */
export type Open<Input, Output, Items> = undefined extends Input
  ? (input?: Input, options?: OpenStreamOptions) => CalledStream<Output, Items>
  : (input: Input, options?: OpenStreamOptions) => CalledStream<Output, Items>;

/** Sends an event. */
export type Emit<Data, Options extends unknown[] = []> = undefined extends Data
  ? (data?: Data, ...options: Options) => Promise<void> | undefined
  : (data: Data, ...options: Options) => Promise<void> | undefined;

/** Adds a listener, and returns what removes it again. */
export type On<Data, Context extends unknown[] = []> = (
  listener: (data: Data, ...context: Context) => unknown,
) => () => void;

/** What each end may send of a contract's events. */
export type SentBy<
  M extends Members,
  Way extends "to-caller" | "from-caller",
  Options extends unknown[] = [],
> = {
  readonly [K in keyof M as M[K] extends Event<unknown, Way | "both"> ? K : never]: M[K] extends Event<
    infer D
  >
    ? Emit<Sent<D>, Options>
    : never;
};

/** What each end may hear. */
export type HeardBy<
  M extends Members,
  Way extends "to-caller" | "from-caller",
  Context extends unknown[] = [],
> = {
  readonly [K in keyof M as M[K] extends Event<unknown, Way | "both"> ? K : never]: M[K] extends Event<
    infer D
  >
    ? On<Received<D>, Context>
    : never;
};

export type Calls<M extends Members> = {
  readonly [K in keyof M as M[K] extends Method | StreamMember ? K : never]: M[K] extends Method<
    infer I,
    infer O
  >
    ? Call<Sent<I>, Received<O>>
    : M[K] extends StreamMember<infer I, infer O, infer T>
      ? Open<Sent<I>, Received<O>, Sent<T>>
      : never;
};

/** A contract from its caller's side: a function for each method and each stream, and beside these: */
export type Bound<M extends Members, E extends Client | Connection = Client> = Calls<M> & {
  /** Sends an event that comes from the caller; as `write`. */
  readonly emit: SentBy<M, "from-caller">;
  /** Listens for an event. */
  readonly on: HeardBy<M, "to-caller">;
  /** Whether the peer has that member; `true` also if it does not tell. */
  has(name: keyof M & string): boolean;
  /** What it goes through. */
  readonly endpoint: E;
  /** Closes that. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

export interface BindOptions extends AgreeOptions {
  /** Ends the wait for the connection and for the peer's description. */
  readonly signal?: AbortSignal | undefined;
  /** For the connection, and again for the peer's description, in milliseconds. Default: for ever, and 5000. */
  readonly timeoutMs?: number | undefined;
}

/**
 * The caller's side of a contract, on a client or on a server's connection. Resolves once it is connected and the peer is found
 * to mean the same by it. A contract that is bound there already gives the same again.
 *
 * @throws CallerError `ERR_INVALID_ARGUMENT` if another contract of that endpoint uses one of the numbers; PeerError
 *   `ERR_CONTRACT_MISMATCH`, `ERR_REQUEST_TIMEOUT`; as `connected`; or the signal's reason.
 */
export async function bind<M extends Members, E extends Client | Connection>(
  endpoint: E,
  contract: Contract<M>,
  options: BindOptions = {},
): Promise<Bound<M, E>> {
  const known = bounds.get(endpoint) ?? new Map<ContractInfo, Promise<object>>();
  bounds.set(endpoint, known);
  const about = infoOf(contract);
  const bound = known.get(about) ?? bindFirst(endpoint, contract, options);
  known.set(about, bound);
  try {
    return (await bound) as Bound<M, E>;
  } catch (error) {
    known.delete(about);
    throw error;
  }
}

const bounds = new WeakMap<Client | Connection, Map<ContractInfo, Promise<object>>>();

async function bindFirst(
  endpoint: Client | Connection,
  contract: Contract,
  options: BindOptions,
): Promise<object> {
  const release = claim(endpoint, "caller", infoOf(contract));
  const agreement = new Agreement(endpoint, contract);
  const bound = makeBound(endpoint, contract, agreement);
  try {
    if (endpoint instanceof Client) await endpoint.connected(options);
    await agreement.check(options);
  } catch (error) {
    release();
    throw error;
  }
  if (endpoint instanceof Client) checkAgain(endpoint, agreement);
  return bound;
}

function makeBound(endpoint: Client | Connection, contract: Contract, agreement: Agreement): object {
  const about = infoOf(contract);
  const receivers = () => listeners.receivers({ endpoint, server: undefined }, undefined);
  const listeners = new Listeners(about, "caller", {
    first: () => IncomingEvents.of(endpoint).add(receivers(), "own"),
    begin: (name) => {
      const receiver = receivers().find((each) => each.name === name);
      return receiver && subscribe(endpoint, about.name, receiver);
    },
  });
  const functions = Object.entries(about.members).flatMap(([name, member]): [string, unknown][] => {
    if (member.kind === "method") return [[name, callOf({ endpoint, about, name, method: member })]];
    return member.kind === "stream" ? [[name, openingOf({ endpoint, about, name, member })]] : [];
  });
  return Object.freeze({
    ...Object.fromEntries(functions),
    emit: emitters(about, "caller", (event, name) => (data: unknown) => {
      const part = { schema: event.data, what: `the event "${name}"` };
      return endpoint.write(event.number, encode(about.codec, part, data));
    }),
    on: listeners.on,
    has: (name: string) => agreement.has(name),
    endpoint,
    close: () => endpoint.close(),
    [Symbol.asyncDispose]: () => endpoint.close(),
  });
}

/** A server that is started again may have another version. Then nothing that the client says is understood any more. */
function checkAgain(client: Client, agreement: Agreement): void {
  client.on("status", (status) => {
    if (status !== "connected") return;
    agreement.check().catch((error: SealpipeError) => {
      // Another failure is the connection's, which is told by itself.
      if (error.code !== "ERR_CONTRACT_MISMATCH") return;
      client.destroy(error);
      if (client.listenerCount("error") > 0) client.emit("error", error);
    });
  });
}
