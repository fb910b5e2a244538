import type { Contract, Event, Method, Received, Sent, StreamMember } from "../contract/index.ts";
import { type FrameHandlers, type ToBridge, type ToPage, version } from "./frames.ts";
import { PageStream } from "./page-stream.ts";
import { closedPort, errorOf, PortError } from "./port-error.ts";
import { listenTo, type PortLike } from "./port-like.ts";
import { checkOptions, checkSignal } from "./port-options.ts";

export interface PortCallOptions {
  /** Cancels the call: the promise rejects with the reason, and the daemon's handler is told. */
  readonly signal?: AbortSignal | undefined;
}

/** A page's end of a stream: what the contract's stream has to read and to write. */
export type PortStream<Output, Items> = {
  /** Aborts when the stream fails or is reset; its reason is the error. */
  readonly signal: AbortSignal;
  /** Ends both directions at once, and cancels the daemon's handler. */
  reset(): void;
  /** Resolves once the daemon has ended its direction. What it still sends is dropped. @throws PortError */
  finished(): Promise<void>;
} & ([Output] extends [undefined]
  ? unknown
  : AsyncIterable<Output> & {
      /** The next item, or `undefined` at the end. @throws PortError */
      read(): Promise<Output | undefined>;
    }) &
  ([Items] extends [undefined]
    ? unknown
    : {
        /** Sends an item, once there is room. @throws PortError */
        write(item: Items): Promise<void>;
        /** No further item is sent. */
        end(): void;
      });

/** A method: what may be left out is optional. */
export type PortCall<Input, Output> = undefined extends Input
  ? (input?: Input, options?: PortCallOptions) => Promise<Output>
  : (input: Input, options?: PortCallOptions) => Promise<Output>;

/** Opens a stream, or sends an event: what may be left out is optional. */
export type PortSend<Data, Result> = undefined extends Data
  ? (data?: Data) => Result
  : (data: Data) => Result;

/** A contract as a page has it. What the bridge does not allow is there for the compiler alone; `has` tells. */
export type PortApp<C extends Contract> = {
  readonly [K in keyof C as C[K] extends Method | StreamMember ? K : never]: C[K] extends Method<
    infer I,
    infer O
  >
    ? PortCall<Sent<I>, Received<O>>
    : C[K] extends StreamMember<infer I, infer O, infer T>
      ? PortSend<Sent<I>, PortStream<Received<O>, Sent<T>>>
      : never;
} & {
  readonly emit: {
    readonly [K in keyof C as C[K] extends Event<unknown, "from-caller" | "both">
      ? K
      : never]: C[K] extends Event<infer D> ? PortSend<Sent<D>, void> : never;
  };
  /** Adds a listener, and returns what removes it. */
  readonly on: {
    readonly [K in keyof C as C[K] extends Event<unknown, "to-caller" | "both">
      ? K
      : never]: C[K] extends Event<infer D>
      ? (listener: (data: Received<D>) => unknown) => () => void
      : never;
  };
  /** Whether the bridge allows that member. */
  has(name: string): boolean;
  /** Aborts when the port is closed. */
  readonly signal: AbortSignal;
  close(): void;
};

/**
 * A contract through a message port: for a page, which has no sockets. Resolves once the other end, `bridgePort`, has said what it allows.
 * Nothing of Node's is needed, and of the contract only its type: `openPort<typeof notes>(port)`.
 *
 * @throws PortError `ERR_CONNECTION_LOST` if the port is closed before, `ERR_VERSION_MISMATCH`, `ERR_INVALID_OPTION`; the signal's reason.
 */
export async function openPort<C extends Contract>(
  port: PortLike,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<PortApp<C>> {
  const { signal } = checkOptions(options, ["signal"]);
  checkSignal(signal);
  const page = new Page(port);
  const giveUp = (): void => page.close(signal?.reason);
  signal?.addEventListener("abort", giveUp);
  if (signal?.aborted) giveUp();
  try {
    return (await page.opened) as unknown as PortApp<C>;
  } finally {
    signal?.removeEventListener("abort", giveUp);
  }
}

interface Call {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** A window tells when its page goes away. Workers and Node do not. */
const surroundings = globalThis as {
  addEventListener?(type: string, listener: () => void): void;
  removeEventListener?(type: string, listener: () => void): void;
};

/** How often a page acknowledges events. */
const heardEvery = 64;

class Page {
  readonly #port: PortLike;
  readonly #calls = new Map<number, Call>();
  readonly #streams = new Map<number, PageStream>();
  readonly #listeners = new Map<string, Set<(data: unknown) => unknown>>();
  readonly #closed = new AbortController();
  #lastId = 0;
  #heard = 0;
  #open: Call = { resolve() {}, reject() {} };
  readonly opened: Promise<object>;

  constructor(port: PortLike) {
    this.#port = port;
    this.opened = new Promise((resolve, reject) => {
      this.#open = { resolve: resolve as Call["resolve"], reject };
    });
    listenTo(
      port,
      (frame) => this.#received(frame as ToPage),
      () => this.#over(closedPort()),
    );
    surroundings.addEventListener?.("pagehide", this.#leave);
  }

  readonly #leave = (): void => this.close();

  close(reason: unknown = closedPort()): void {
    if (!this.#closed.signal.aborted) this.#send(["close"]);
    this.#over(reason);
  }

  #over(reason: unknown): void {
    if (this.#closed.signal.aborted) return;
    surroundings.removeEventListener?.("pagehide", this.#leave);
    this.#closed.abort(reason);
    this.#open.reject(reason);
    for (const { reject } of this.#calls.values()) reject(reason);
    for (const stream of this.#streams.values()) stream.failed(undefined);
    this.#calls.clear();
    this.#streams.clear();
    this.#port.close();
  }

  readonly #handlers: FrameHandlers<ToPage> = {
    hello: (theirs, members) => this.#greeted(theirs, members),
    answer: (id, value) => this.#settle(id, ({ resolve }) => resolve(value)),
    error: (id, error) => {
      this.#streams.get(id)?.failed(error);
      this.#streams.delete(id);
      this.#settle(id, ({ reject }) => reject(errorOf(error)));
    },
    item: (id, value) => this.#streams.get(id)?.item(value),
    credit: (id, count) => this.#streams.get(id)?.credit(count),
    end: (id) => this.#streams.get(id)?.ended(),
    event: (name, data) => this.#told(name, data),
    close: () => this.#over(closedPort()),
  };

  #received([word, ...parts]: ToPage): void {
    if (!this.#closed.signal.aborted) (this.#handlers[word] as (...parts: unknown[]) => void)(...parts);
  }

  #settle(id: number, act: (call: Call) => void): void {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (call !== undefined) act(call);
  }

  #greeted(theirs: number, members: Readonly<Record<string, string>>): void {
    if (theirs !== version) {
      const message = `the other end of the port speaks version ${theirs}, not ${version}`;
      this.close(new PortError("ERR_VERSION_MISMATCH", message));
      return;
    }
    const functions = Object.entries(members).flatMap(([name, kind]): [string, unknown][] => {
      if (kind === "method") return [[name, this.#callOf(name)]];
      if (kind === "event") return [];
      return [[name, (input: unknown) => this.#openStream(name, { input, isDuplex: kind === "duplex" })]];
    });
    this.#open.resolve(
      Object.freeze({
        ...Object.fromEntries(functions),
        emit: named((name) => (data: unknown) => this.#send(["emit", name, data])),
        on: named((name) => (listener: (data: unknown) => unknown) => this.#listen(name, listener)),
        has: (name: string) => Object.hasOwn(members, name),
        signal: this.#closed.signal,
        close: () => this.close(),
      }),
    );
  }

  #send(frame: ToBridge): void {
    this.#closed.signal.throwIfAborted();
    this.#port.postMessage(frame);
  }

  #callOf(name: string): (input: unknown, options?: PortCallOptions) => Promise<unknown> {
    return (input, { signal } = {}) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        this.#lastId += 1;
        const id = this.#lastId;
        // What cannot be cloned throws here.
        this.#send(["call", id, name, input]);
        const cancel = (): void => {
          if (!this.#calls.delete(id)) return;
          this.#send(["cancel", id]);
          reject(signal?.reason);
        };
        const settled = (): void => signal?.removeEventListener("abort", cancel);
        this.#calls.set(id, {
          resolve(value) {
            settled();
            resolve(value);
          },
          reject(error) {
            settled();
            reject(error);
          },
        });
        signal?.addEventListener("abort", cancel);
      });
  }

  #openStream(name: string, { input, isDuplex }: { input: unknown; isDuplex: boolean }): PageStream {
    this.#lastId += 1;
    const id = this.#lastId;
    const send = (frame: ToBridge): void => this.#send(frame);
    const stream = new PageStream(id, { isDuplex, send, over: () => this.#streams.delete(id) });
    this.#send(["open", id, name, input]);
    this.#streams.set(id, stream);
    return stream;
  }

  #listen(name: string, listener: (data: unknown) => unknown): () => void {
    const known = this.#listeners.get(name) ?? new Set();
    if (known.size === 0) this.#send(["listen", name]);
    this.#listeners.set(name, known.add(listener));
    return () => {
      if (known.delete(listener) && known.size === 0 && !this.#closed.signal.aborted)
        this.#send(["unlisten", name]);
    };
  }

  #told(name: string, data: unknown): void {
    this.#heard += 1;
    if (this.#heard === heardEvery) {
      this.#send(["heard", heardEvery]);
      this.#heard = 0;
    }
    for (const listener of [...(this.#listeners.get(name) ?? [])]) listener(data);
  }
}

/** An object with a property for every name: which names the page may use is known to its compiler alone. */
function named(make: (name: string) => unknown): object {
  return new Proxy(Object.create(null), {
    get: (_, name) => (typeof name === "string" && name !== "then" ? make(name) : undefined),
  });
}
