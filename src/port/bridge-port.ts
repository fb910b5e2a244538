import type { Bound, Contract, Members } from "../contract/index.ts";
import { type BridgeOptions, type ParsedBridgeOptions, parseBridgeOptions } from "./bridge-options.ts";
import { Credit } from "./credit.ts";
import {
  eventWindow,
  type FrameHandlers,
  isFrame,
  type Kind,
  streamWindow,
  type ToBridge,
  type ToPage,
  version,
} from "./frames.ts";
import { errorFrame } from "./port-error.ts";
import { listenTo, type PortLike } from "./port-like.ts";

/** One end of a port, which passes on what the other end says. */
export interface Bridge {
  /** Why it is closed: what the other end did wrong; `undefined` if it is open, or was closed in order. */
  readonly error: Error | undefined;
  /** Aborts when it is closed. */
  readonly signal: AbortSignal;
  /** Closes the port, and cancels what is under way. */
  close(): void;
}

/**
 * Lets the other end of a message port use a contract: the process that has a connection to the daemon calls it, and the page
 * that has none calls `openPort`. Calls and streams that are under way are cancelled when the port closes, as when its window
 * closes or navigates.
 *
 * Platform: in a browser an end is not told that a worker was terminated or that a page has crashed; call `close` then.
 *
 * What comes by the port is not trusted: it can name only what `allow` has, its data are checked by the contract, and what does
 * not keep to the protocol of ports, or to its limits, closes the port.
 *
 * @param bound What `connect` or `bind` of `sealpipe/contract` gave.
 * @throws PortError `ERR_INVALID_OPTION`, also if `allow` has a name that the contract has not.
 */
export function bridgePort<M extends Members>(
  port: PortLike,
  bound: Bound<M>,
  contract: Contract<M>,
  options: BridgeOptions<keyof M & string>,
): Bridge {
  return new PortBridge(
    port,
    bound as unknown as AnyBound,
    parseBridgeOptions(contract as Contract, options),
  );
}

interface AnyStream extends AsyncIterable<unknown> {
  write?(item: unknown): Promise<void> | undefined;
  end?(): void;
  reset(reason: { code: string; message: string }): void;
}

type AnyBound = Readonly<Record<string, (input: unknown, options?: object) => unknown>> & {
  readonly emit: Readonly<Record<string, (data: unknown) => unknown>>;
  readonly on: Readonly<Record<string, (listener: (data: unknown) => void) => () => void>>;
};

/** A call or a stream that is under way. */
interface UnderWay {
  readonly abort: AbortController;
  readonly stream?: { readonly items: Credit; readonly output: Credit; readonly called: AnyStream };
  /** How many directions have not ended. */
  directions: number;
  /** What the page has written is passed on in order. */
  writing: Promise<unknown>;
}

class PortBridge implements Bridge {
  readonly #port: PortLike;
  readonly #bound: AnyBound;
  readonly #members: ReadonlyMap<string, Kind>;
  readonly #maxConcurrent: number;
  readonly #underWay = new Map<number, UnderWay>();
  readonly #listening = new Map<string, () => void>();
  readonly #closed = new AbortController();
  /** Events that the page has not acknowledged. */
  #unheard = 0;
  error: Error | undefined;

  constructor(port: PortLike, bound: AnyBound, { members, maxConcurrent }: ParsedBridgeOptions) {
    this.#port = port;
    this.#bound = bound;
    this.#members = members;
    this.#maxConcurrent = maxConcurrent;
    listenTo(
      port,
      (frame) => this.#received(frame),
      () => this.#over(),
    );
    this.#send(["hello", version, Object.fromEntries(members)]);
  }

  get signal(): AbortSignal {
    return this.#closed.signal;
  }

  close(): void {
    this.#send(["close"]);
    this.#over();
  }

  #over(): void {
    if (this.#closed.signal.aborted) return;
    const reason = { code: "ERR_CONNECTION_LOST", message: "the page is gone" };
    this.#closed.abort(reason);
    for (const stop of this.#listening.values()) stop();
    for (const { abort, stream } of this.#underWay.values()) {
      abort.abort(reason);
      stream?.called.reset(reason);
    }
    this.#underWay.clear();
    this.#listening.clear();
    this.#port.close();
  }

  #broken(message: string): void {
    this.error ??= new Error(message);
    this.close();
  }

  #send(frame: ToPage): void {
    if (!this.#closed.signal.aborted) this.#port.postMessage(frame);
  }

  readonly #handlers: FrameHandlers<ToBridge> = {
    call: (id, name, input) => this.#begin("method", { id, name, input }),
    open: (id, name, input) => this.#begin("stream", { id, name, input }),
    cancel: (id) => this.#cancel(id),
    item: (id, value) => this.#item(id, value),
    end: (id) => this.#write(id, (called) => this.#halfEnded(id, () => called.end?.())),
    credit: (id, count) => this.#credit(id, count),
    emit: (name, data) => this.#emit(name, data),
    listen: (name) => this.#listen(name),
    unlisten: (name) => {
      this.#listening.get(name)?.();
      this.#listening.delete(name);
    },
    heard: (count) => {
      this.#unheard = Math.max(0, this.#unheard - count);
    },
    close: () => this.#over(),
  };

  #received(frame: unknown): void {
    if (this.#closed.signal.aborted) return;
    if (isFrame(frame)) {
      const [word, ...parts] = frame;
      (this.#handlers[word] as (...parts: unknown[]) => void)(...parts);
    } else this.#broken("the page sent what is no frame of this protocol");
  }

  #begin(kind: "method" | "stream", { id, name, input }: { id: number; name: string; input: unknown }): void {
    const refuse = (code: string, message: string): void => this.#send(["error", id, { code, message }]);
    if (this.#underWay.has(id)) this.#broken(`the page used the id ${id} twice`);
    else if (this.#kindOf(name) !== kind)
      refuse("ERR_NOT_ALLOWED", `"${name}" is no ${kind} that this page may use`);
    else if (this.#underWay.size >= this.#maxConcurrent)
      refuse("ERR_QUEUE_FULL", `${this.#maxConcurrent} calls and streams are under way`);
    else if (kind === "method") void this.#call(id, name, input);
    else void this.#open(id, name, input);
  }

  async #call(id: number, name: string, input: unknown): Promise<void> {
    const abort = new AbortController();
    this.#underWay.set(id, { abort, directions: 1, writing: Promise.resolve() });
    try {
      const value = await this.#bound[name]?.(input, { signal: abort.signal });
      if (this.#underWay.delete(id)) this.#send(["answer", id, value]);
    } catch (error) {
      if (this.#underWay.delete(id)) this.#send(["error", id, errorFrame(error)]);
    }
  }

  #kindOf(name: string): Kind | undefined {
    const kind = this.#members.get(name);
    return kind === "duplex" ? "stream" : kind;
  }

  async #open(id: number, name: string, input: unknown): Promise<void> {
    const abort = new AbortController();
    const output = new Credit(streamWindow);
    const called = this.#bound[name]?.(input) as AnyStream;
    const stream = { items: new Credit(streamWindow), output, called };
    const directions = this.#members.get(name) === "duplex" ? 2 : 1;
    const underWay: UnderWay = { abort, stream, directions, writing: Promise.resolve() };
    this.#underWay.set(id, underWay);
    try {
      for await (const item of called) {
        await output.take(abort.signal);
        this.#send(["item", id, item]);
      }
      this.#halfEnded(id, () => this.#send(["end", id]));
    } catch (error) {
      if (this.#underWay.delete(id)) this.#send(["error", id, errorFrame(error)]);
    }
  }

  /** A direction of the stream has ended; it is over once both have. */
  #halfEnded(id: number, end: () => void): void {
    const found = this.#underWay.get(id);
    if (found === undefined) return;
    end();
    found.directions -= 1;
    if (found.directions === 0) this.#underWay.delete(id);
  }

  #cancel(id: number): void {
    const found = this.#underWay.get(id);
    this.#underWay.delete(id);
    const reason = { code: "ERR_STREAM_RESET", message: "the page has cancelled it" };
    found?.abort.abort(reason);
    found?.stream?.called.reset(reason);
  }

  #item(id: number, value: unknown): void {
    const items = this.#underWay.get(id)?.stream?.items;
    if (items === undefined) return;
    if (items.left <= 0) {
      this.#broken("the page sent more items than it had credit for");
      return;
    }
    items.add(-1);
    this.#write(id, async (called) => {
      await called.write?.(value);
      items.add(1);
      this.#send(["credit", id, 1]);
    });
  }

  /** A page gives back what it has taken: never more than it was sent, or items without number would be under way. */
  #credit(id: number, count: number): void {
    const output = this.#underWay.get(id)?.stream?.output;
    if (output === undefined) return;
    if (output.left + count > streamWindow) this.#broken("the page gave more credit than it has room for");
    else output.add(count);
  }

  /** After what the page has written before. */
  #write(id: number, act: (called: AnyStream) => unknown): void {
    const found = this.#underWay.get(id);
    const called = found?.stream?.called;
    if (found === undefined || called === undefined) return;
    found.writing = found.writing
      .then(() => act(called))
      .catch((error: unknown) => {
        if (this.#underWay.delete(id)) this.#send(["error", id, errorFrame(error)]);
        called.reset(errorFrame(error));
      });
  }

  #emit(name: string, data: unknown): void {
    const emit = this.#members.get(name) === "event" ? this.#bound.emit[name] : undefined;
    if (emit === undefined) {
      this.#broken(`"${name}" is no event that this page may send`);
      return;
    }
    try {
      emit(data);
    } catch (error) {
      this.#broken(`the event "${name}" was refused: ${(error as Error).message}`);
    }
  }

  #listen(name: string): void {
    const on = this.#members.get(name) === "event" ? this.#bound.on[name] : undefined;
    if (on === undefined) this.#broken(`"${name}" is no event that this page may hear`);
    else if (!this.#listening.has(name))
      this.#listening.set(
        name,
        on((data) => this.#tell(name, data)),
      );
  }

  #tell(name: string, data: unknown): void {
    this.#unheard += 1;
    if (this.#unheard > eventWindow) this.#broken(`the page has not taken ${eventWindow} events`);
    else this.#send(["event", name, data]);
  }
}
