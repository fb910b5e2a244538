import { CallerError } from "../../errors.ts";
import { releaseData } from "../../protocol/memory.ts";
import { byteView } from "./byte-view.ts";
import { keepWhole } from "./shared-buffer.ts";
import { textBytes, toText } from "./text.ts";

/** What a message that waits to be read takes besides its data, in bytes, so that empty ones are bounded too. */
export const messageOverheadBytes = 256;

let released: Uint8Array | undefined;

/** One for all that were released: a small message is handled in less time than it takes to make such a thing. */
export function noData(): Uint8Array {
  if (released === undefined) {
    released = new Uint8Array(0);
    keepWhole(released.buffer);
  }
  return released;
}

/** One application payload with its type. */
export class Message {
  /** 1 to 4294967295; the two programs agree on what each means. */
  readonly type: number;
  /**
   * The payload. It is yours to keep and to change. Up to 2 KiB it may share its `buffer` with other messages of
   * the same connection, as Node's small buffers do, and that buffer cannot be transferred to another thread: transfer
   * `data.slice()`. Larger data have a `buffer` of their own.
   */
  readonly data: Uint8Array;
  readonly #weight: number;

  constructor(type: number, data: Uint8Array) {
    this.type = type;
    this.data = data;
    this.#weight = data.length + messageOverheadBytes;
  }

  /** `data` as UTF-8 text, with the byte order mark, if there is one. Bytes that are no UTF-8 become U+FFFD. */
  get text(): string {
    return toText(this.data);
  }

  /**
   * Gives the memory of `data` back at once, and not when the garbage collector comes by; `data` is empty from then on.
   * For an application that reads many messages of 16 KiB and more: there the garbage collector costs more than the
   * encryption. Smaller data are left to it.
   *
   * Nobody may need `data` any more: no other listener, and nobody who was given a view of it. What has been passed to
   * `write` is not needed once that has returned.
   *
   * Platform: Node from 22 on, Bun and Deno. On Node 20 the memory is left to the garbage collector.
   *
   * @example
   * ```ts
   * import { startClient, startServer } from "sealpipe";
   *
   * await using server = await startServer("my-app");
   * const client = await startClient("my-app");
   * await client.write(1, new Uint8Array(1_000_000));
   * const message = await server.read();
   * console.log(message.data.length); // 1000000
   * message.release();
   * console.log(message.data.length); // 0
   * await client.close();
   * ```
   */
  release(): void {
    releaseData(this.data);
    (this as { data: Uint8Array }).data = noData();
  }

  /** @internal What it weighs in a queue. It does not change, whatever its taker does to it. */
  get weight(): number {
    return this.#weight;
  }
}

/** What can be written: text goes as UTF-8, so it must not have half of a surrogate pair. */
export type MessageData = string | Uint8Array;

/**
 * @throws CallerError `ERR_INVALID_ARGUMENT` as {@link byteView}: nothing else is turned into text or JSON unasked. Also
 *   for text that would not arrive as it is.
 */
export function toBytes(data: MessageData): Uint8Array {
  if (typeof data !== "string") return byteView(data);
  const bytes = textBytes(data);
  if (bytes !== undefined) return bytes;
  throw new CallerError(
    "ERR_INVALID_ARGUMENT",
    "data is text with half of a surrogate pair, for which UTF-8 has no bytes",
  );
}
