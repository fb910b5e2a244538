import { PeerError } from "../../errors.ts";
import { parseReadOptions, type ReadOptions } from "../options/call-options.ts";
import { Fifo } from "../reading/fifo.ts";
import { type Waiter, waitAmong } from "../reading/waiter.ts";
import type { Item } from "./item.ts";

/** Items of one stream on their way to those that read it. */
export class ItemQueue {
  readonly #items = new Fifo<Item>();
  readonly #readers = new Set<Waiter<Item | undefined>>();
  readonly #consumed: (item: Item) => void;
  /** Nothing more will come: in order, or because of an error. */
  #ending: { readonly error?: unknown } | undefined;

  /** `consumed` is called for each item that a reader gets, or that is dropped. */
  constructor(consumed: (item: Item) => void) {
    this.#consumed = consumed;
  }

  get hasEnded(): boolean {
    return this.#ending !== undefined;
  }

  push(item: Item): void {
    if (this.#ending !== undefined) {
      this.#consumed(item);
      return;
    }
    for (const reader of this.#readers) {
      this.#consumed(item);
      reader.resolve(item);
      return;
    }
    this.#items.push(item);
  }

  /** The next item, if it is here. */
  shift(): Item | undefined {
    const item = this.#items.shift();
    if (item !== undefined) this.#consumed(item);
    return item;
  }

  /** The next item; `undefined` at the end. */
  async read(options?: ReadOptions): Promise<Item | undefined> {
    const parsed = parseReadOptions(options);
    if (parsed.signal?.aborted) throw parsed.signal.reason;
    const item = this.shift();
    if (item !== undefined) return item;
    if (this.#ending === undefined) return waitAmong(this.#readers, parsed, readTimeout);
    if ("error" in this.#ending) throw this.#ending.error;
    return undefined;
  }

  /** The peer sends no more items. Those that are here can still be read. */
  end(): void {
    this.#ending ??= {};
    for (const reader of [...this.#readers]) reader.resolve(undefined);
  }

  /**
   * No more items come, because of an error. Items that are here are dropped, or can still be read; in the latter case, if the
   * peer had ended its direction before, what follows them is that end and not the error.
   */
  fail(error: unknown, unread: "keep" | "drop"): void {
    if (unread === "drop") {
      this.#items.clear();
      this.#ending = { error };
    }
    this.#ending ??= { error };
    for (const reader of [...this.#readers]) reader.reject(error);
  }

  /** Items that are here will not be read. */
  drop(): void {
    while (this.shift() !== undefined);
  }
}

function readTimeout(timeoutMs: number): PeerError {
  return new PeerError("ERR_READ_TIMEOUT", `no item came within ${timeoutMs} ms`);
}
