import { Duplex } from "node:stream";
import type { ReadableStream, WritableStream } from "node:stream/web";
import { RemoteError } from "../../errors.ts";
import type { NativePeer } from "../../protocol/native/options.ts";
import type { Failure, StreamEvent, TraceContext } from "../../protocol/session.ts";
import { inspection, oneLine } from "../inspection.ts";
import { type MessageData, toBytes } from "../messages/message.ts";
import { Payload } from "../messages/payload.ts";
import type { ReadOptions } from "../options/call-options.ts";
import { peerText } from "../options/native-options.ts";
import { closedError } from "../reading/inbox.ts";
import { LazyAbort } from "../requests/lazy-abort.ts";
import { duplexOf } from "./duplex.ts";
import { Item } from "./item.ts";
import { ItemIterator, type Items } from "./item-iterator.ts";
import { ItemQueue } from "./item-queue.ts";
import { failureFor, queueFull, type ResetReason, stopped } from "./stream-errors.ts";

/** Bytes that an item counts for besides its data while it waits for credit. */
const itemOverheadBytes = 64;

/** How a stream reaches the peer. Calls do nothing once the stream is over. */
export interface StreamWire {
  readonly maxQueuedBytes: number;
  /**
   * Whether there is credit for another item.
   * @throws CallerError `ERR_MESSAGE_TOO_LARGE`, PeerError `ERR_TOO_LARGE_FOR_PEER`
   */
  write(id: number, data: Uint8Array): boolean;
  end(id: number): void;
  reset(id: number, failure: Failure): void;
  stopSending(id: number): void;
  consumed(id: number, weight: number): void;
  /** Both directions have ended, or, with a failure, the stream was reset. */
  over(id: number, failure?: { readonly error: unknown }): void;
}

/** What a stream begins with. */
export interface StreamStart {
  readonly id: number;
  readonly type: number;
  readonly data: Uint8Array;
  readonly context?: TraceContext | undefined;
}

/** The client or connection that a stream belongs to. */
export interface StreamOwner {
  readonly peer: NativePeer | undefined;
}

/**
 * Items in order, both ways. Each end sends items until it ends its own direction, and reads the other's until that ends; a
 * reset ends both at once. A stream goes on when the connection breaks, as long as its session does.
 *
 * Items that nobody reads hold up their writer at the peer once they fill the stream's window, and nothing else. In `data` and
 * `text` is what the stream was opened with.
 *
 * @example
 * ```ts
 * import { startClient, startServer } from "sealpipe";
 *
 * const server = await startServer("my-app");
 * server.handleStream(1, async (stream) => {
 *   for await (const { text } of stream) await stream.write(text.toUpperCase());
 * });
 *
 * const client = await startClient("my-app");
 * const stream = await client.openStream(1, "");
 * await stream.write("one");
 * stream.end();
 * for await (const { text } of stream) console.log(text); // ONE
 * await client.close();
 * await server.close();
 * ```
 */
export class Stream extends Payload implements AsyncIterable<Item> {
  /** 1 to 4294967295: what kind of stream it is. */
  readonly type: number;
  /** The trace that it belongs to, if its opener said so. */
  readonly context: TraceContext | undefined;
  /** @internal */
  readonly id: number;
  readonly #wire: StreamWire;
  readonly #owner: StreamOwner;
  readonly #items: ItemQueue;
  readonly #abort = new LazyAbort();
  /** How this end's direction ended: by a call here, or because the peer wants no more items. */
  #ended: "here" | "stopped" | undefined;
  /** Why the stream was reset, by either end, or lost with its session. */
  #failure: { readonly error: unknown } | undefined;
  /** Bytes that were written since there was no credit. */
  #heldBytes = 0;
  #room: { readonly promise: Promise<void>; resolve(): void } | undefined;

  /** @internal */
  constructor({ id, type, data, context }: StreamStart, wire: StreamWire, owner: StreamOwner) {
    super(data);
    this.context = context;
    this.id = id;
    this.type = type;
    this.#wire = wire;
    this.#owner = owner;
    this.#items = new ItemQueue(({ weight }) => wire.consumed(id, weight));
  }

  /** Aborts when the stream is reset by either end, or its session is lost. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /**
   * Sends an item. Nothing of `data` is needed after the call. Returns `undefined` while there is credit, else a promise that
   * settles once there is again, or the stream is over; it never rejects.
   *
   * @param data Text (sent as UTF-8) or bytes, at most `maxMessageBytes` of both ends.
   * @throws CallerError `ERR_INVALID_ARGUMENT`, `ERR_MESSAGE_TOO_LARGE`, `ERR_CLOSED` after `end` or `reset`; PeerError
   *   `ERR_TOO_LARGE_FOR_PEER`, `ERR_STREAM_STOPPED` if the peer wants no more items, `ERR_SESSION_LOST`, `ERR_QUEUE_FULL` if
   *   `maxQueuedBytes` wait and earlier writes were not awaited; RemoteError the reason of the peer's reset.
   */
  write(data: MessageData): Promise<void> | undefined {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#ended === "stopped") throw stopped();
    if (this.#ended === "here") throw closedError();
    const bytes = toBytes(data);
    const { maxQueuedBytes } = this.#wire;
    if (this.#heldBytes > maxQueuedBytes) throw queueFull(maxQueuedBytes);
    if (this.#wire.write(this.id, bytes)) return undefined;
    // For a peer that is away this may have been one byte too many.
    if (this.#failure !== undefined) return undefined;
    this.#heldBytes += bytes.length + itemOverheadBytes;
    this.#room ??= makeRoom();
    return this.#room.promise;
  }

  /** Ends this end's direction, after what was written. Does nothing the second time. */
  end(): void {
    if (this.#ended !== undefined || this.#failure !== undefined) return;
    this.#ended = "here";
    this.#wire.end(this.id);
    this.#noticeEnd();
  }

  /**
   * The next item; waits for it. `undefined` once the peer has ended its direction and all is read.
   *
   * @throws RemoteError the reason of the peer's reset; PeerError `ERR_SESSION_LOST` once all is read that had arrived,
   *   `ERR_READ_TIMEOUT`; CallerError `ERR_CLOSED`, `ERR_INVALID_OPTION`; or the signal's reason.
   */
  read(options?: ReadOptions): Promise<Item | undefined> {
    return this.#items.read(options);
  }

  /** Items until the peer ends its direction; throws if the stream is reset or lost. Leaving the loop early is a `stop`. */
  [Symbol.asyncIterator](): Items {
    return new ItemIterator(this.#items, () => this.stop());
  }

  /**
   * Tells the peer that this end wants no more items; unread ones, and those that still come, are dropped. The other direction
   * goes on.
   */
  stop(): void {
    const isNews = !this.#items.hasEnded;
    this.#items.end();
    this.#items.drop();
    if (!isNews) return;
    this.#wire.stopSending(this.id);
    this.#noticeEnd();
  }

  /**
   * Ends both directions at once: unsent and unread items are dropped. Reads and writes then fail, at the peer with a `RemoteError`
   * of that code and message, and here with `ERR_CLOSED`. Does nothing if the stream is over.
   *
   * @param reason Its `code`, if that is 1 to 64 characters of `A-Z 0-9 _`, else `ERR_STREAM_RESET`; and its `message`.
   */
  reset(reason?: ResetReason): void {
    if (this.#isOver) return;
    this.#reset(failureFor(reason), closedError(reason instanceof Error ? reason : undefined));
  }

  /** As a stream of Node's: each chunk that is written is an item, each item is a chunk. To destroy it resets this stream. */
  toDuplex(): Duplex {
    return duplexOf(this);
  }

  /** As a pair of the web's streams. As with `toDuplex`, items are chunks. Ask for it once. */
  toWeb(): { readonly readable: ReadableStream<Uint8Array>; readonly writable: WritableStream<Uint8Array> } {
    return Duplex.toWeb(this.toDuplex());
  }

  /** One line for `console.log`. @internal */
  [inspection](): string {
    const { type } = this;
    const peer = peerText(this.#owner.peer);
    return oneLine(this, { type, state: this.#state, queuedBytes: this.#heldBytes, peer });
  }

  /** @internal An event of this stream has come from the peer. */
  received(event: Exclude<StreamEvent, { kind: "stream" }>): void {
    switch (event.kind) {
      case "item":
        this.#items.push(new Item(event.data, event.weight));
        return;
      case "stream-end":
        this.#items.end();
        break;
      case "stop-sending":
        this.#ended = "stopped";
        this.#giveRoom();
        break;
      case "stream-reset":
        this.#fail(new RemoteError(event.code, event.message), "drop");
        return;
      case "stream-credit":
        this.#giveRoom();
        return;
    }
    this.#noticeEnd();
  }

  /** @internal The signal that `openStream` was given has aborted, for that reason. */
  aborted(reason: unknown): void {
    if (this.#isOver) return;
    this.#reset({ code: "ERR_STREAM_RESET", message: "the peer has aborted the stream" }, reason);
  }

  /** @internal The session is lost. Items that had arrived can still be read. */
  lost(error: unknown): void {
    if (!this.#isOver) this.#fail(error, "keep");
  }

  #reset(failure: Failure, error: unknown): void {
    this.#wire.reset(this.id, failure);
    this.#fail(error, "drop");
  }

  #fail(error: unknown, unread: "keep" | "drop"): void {
    this.#failure = { error };
    this.#items.fail(error, unread);
    this.#giveRoom();
    this.#wire.over(this.id, this.#failure);
    this.#abort.abort(error);
  }

  get #state(): string {
    if (this.#isOver) return "over";
    if (this.#ended !== undefined) return "ended here";
    return this.#items.hasEnded ? "ended by the peer" : "open";
  }

  get #isOver(): boolean {
    return this.#failure !== undefined || (this.#ended !== undefined && this.#items.hasEnded);
  }

  #giveRoom(): void {
    this.#heldBytes = 0;
    this.#room?.resolve();
    this.#room = undefined;
  }

  #noticeEnd(): void {
    if (!this.#isOver) return;
    this.#giveRoom();
    this.#wire.over(this.id);
  }
}

function makeRoom(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
