import {
  type Client,
  type Connection,
  type MessageData,
  type OpenStreamOptions,
  type ReadOptions,
  RemoteError,
  type Stream,
} from "../index.ts";
import type { ContractInfo } from "./contract.ts";
import { ContractError } from "./contract-error.ts";
import { decode, encode } from "./data.ts";
import type { StreamMember } from "./members.ts";
import { issuesText, type Validation } from "./validation.ts";

/** A stream as its caller has it, with what it reads and what it writes. */
export type CalledStream<Output, Items> = StreamEnd &
  ([Output] extends [undefined] ? unknown : ReadingEnd<Output>) &
  ([Items] extends [undefined] ? unknown : WritingEnd<Items>);

/** What every stream has. */
export interface StreamEnd {
  /** Aborts when the stream is reset by either end, or its session is lost. */
  readonly signal: AbortSignal;
  /**
   * Resolves once the other end has ended its direction; what still comes of it is dropped. So the caller of a stream that
   * goes from it alone learns that its handler is done.
   *
   * @throws As reading.
   */
  finished(): Promise<void>;
  /** Ends both directions at once. The other end gets the `code` and the `message` of the reason. Default: `ERR_STREAM_RESET`. */
  reset(reason?: { readonly code?: unknown; readonly message?: unknown }): void;
}

export interface ReadingEnd<Output> extends AsyncIterable<Output> {
  /**
   * The next item, or `undefined` at the end.
   *
   * @throws ContractError one of the stream's errors, `ERR_INVALID_INPUT`, `ERR_INVALID_OUTPUT`; RemoteError another reason of the
   *   other end; PeerError and CallerError as of a stream of the core; the signal's reason.
   */
  read(options?: ReadOptions): Promise<Output | undefined>;
}

export interface WritingEnd<Items> {
  /**
   * Sends an item. Returns `undefined` while there is room, else a promise that settles once there is room again; before the
   * stream is open always a promise, which rejects with what this would throw.
   *
   * @throws ContractError and others as reading; CallerError `ERR_INVALID_ARGUMENT` for an item that the codec has no bytes for,
   *   `ERR_CLOSED` after `end` or `reset`.
   */
  write(item: Items): Promise<void> | undefined;
  /** No further item is sent. */
  end(): void;
}

interface Calling {
  readonly endpoint: Client | Connection;
  readonly about: ContractInfo;
  readonly name: string;
  readonly member: StreamMember;
}

/** What an application calls to open that stream at the peer. */
export function openingOf(calling: Calling): (input?: unknown, options?: OpenStreamOptions) => object {
  const { endpoint, about, name, member } = calling;
  const part = { schema: member.input, what: `the input of "${name}"` };
  // So that an input that is wrong rejects like everything else.
  const open = async (input: unknown, options?: OpenStreamOptions): Promise<Stream> =>
    endpoint.openStream(member.number, encode(about.codec, part, input), options);
  return (input, options) => new OpenedStream(calling, open(input, options));
}

/** The type {@link CalledStream} shows of it what its contract has. */
class OpenedStream implements StreamEnd, ReadingEnd<unknown>, WritingEnd<unknown> {
  readonly #calling: Calling;
  readonly #opening: Promise<Stream>;
  readonly #abort = new AbortController();
  #stream: Stream | undefined;

  constructor(calling: Calling, opening: Promise<Stream>) {
    this.#calling = calling;
    this.#opening = opening.then(
      (stream) => this.#opened(stream),
      (error: unknown) => this.#rethrow(error),
    );
    this.#opening.catch((error: unknown) => this.#abort.abort(error));
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  async read(options?: ReadOptions): Promise<unknown> {
    const stream = await this.#opening;
    const item = await stream.read(options).catch((error: unknown) => this.#rethrow(error));
    return item === undefined ? undefined : this.#valueOf(stream, item.data);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown, void> {
    const stream = await this.#opening;
    try {
      for await (const { data } of stream) {
        const value = this.#valueOf(stream, data);
        let isLeft = true;
        try {
          yield value instanceof Promise ? await value : value;
          isLeft = false;
        } finally {
          // The loop over the items ends before they do: the implementer need not go on.
          if (isLeft && this.#calling.member.items === undefined) stream.reset(leaving);
        }
      }
    } catch (error) {
      this.#rethrow(error);
    }
  }

  write(item: unknown): Promise<void> | undefined {
    const { about, name, member } = this.#calling;
    const data = encode(about.codec, { schema: member.items, what: `an item of "${name}"` }, item);
    const stream = this.#stream;
    if (stream !== undefined) return this.#written(stream, data);
    const copy = typeof data === "string" ? data : Uint8Array.from(data);
    return this.#opening.then((opened) => this.#written(opened, copy));
  }

  end(): void {
    this.#once((stream) => stream.end());
  }

  async finished(): Promise<void> {
    const stream = await this.#opening;
    while ((await stream.read().catch((error: unknown) => this.#rethrow(error))) !== undefined);
  }

  reset(reason?: { readonly code?: unknown; readonly message?: unknown }): void {
    this.#once((stream) => stream.reset(reason));
  }

  #opened(stream: Stream): Stream {
    const { signal } = stream;
    if (signal.aborted) this.#abort.abort(signal.reason);
    else signal.addEventListener("abort", () => this.#abort.abort(signal.reason), { once: true });
    this.#stream = stream;
    return stream;
  }

  /** After what was written before. */
  #once(act: (stream: Stream) => void): void {
    if (this.#stream !== undefined) act(this.#stream);
    else this.#opening.then(act, () => {});
  }

  #written(stream: Stream, data: MessageData): Promise<void> | undefined {
    try {
      return stream.write(data);
    } catch (error) {
      this.#rethrow(error);
    }
  }

  #valueOf(stream: Stream, data: Uint8Array): unknown {
    const { about, member } = this.#calling;
    const validation = decode(about.codec, member.output, data);
    if (validation instanceof Promise) return validation.then((settled) => this.#checked(stream, settled));
    return this.#checked(stream, validation);
  }

  #checked(stream: Stream, validation: Validation): unknown {
    if (validation.fits) return validation.value;
    const { name, member } = this.#calling;
    const { issues, bug } = validation;
    const code = "ERR_INVALID_OUTPUT";
    const message = `an item of "${name}" does not fit: ${issuesText(issues)}`;
    stream.reset({ code, message });
    throw new ContractError({ member, code, data: issues }, message, bug && { cause: bug.thrown });
  }

  /** As an error of the contract's if it is one, and otherwise as it came. */
  #rethrow(error: unknown): never {
    if (!(error instanceof RemoteError)) throw error;
    const { member } = this.#calling;
    const { code, message } = error;
    const isOwn = code === "ERR_INVALID_INPUT" || code === "ERR_INVALID_OUTPUT";
    if (!isOwn && !Object.hasOwn(member.errors, code)) throw error;
    throw new ContractError({ member, code, data: isOwn ? [] : undefined }, message, { cause: error });
  }
}

const leaving = { code: "ERR_STREAM_STOPPED", message: "the caller wants no more items" };
