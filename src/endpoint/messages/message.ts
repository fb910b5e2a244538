import { CallerError } from "../../errors.ts";
import { releaseData } from "../../protocol/memory.ts";
import { byteView } from "./byte-view.ts";
import { keepWhole } from "./shared-buffer.ts";
import { textBytes, toText } from "./text.ts";

/** The memory of a waiting message besides its data, in bytes, counted so that empty messages are bounded, too. */
const messageOverheadBytes = 256;

let released: Uint8Array | undefined;

/** Shared by all released messages: creating an array takes longer than handling a small message. */
export function noData(): Uint8Array {
  if (released === undefined) {
    released = new Uint8Array(0);
    keepWhole(released.buffer);
  }
  return released;
}

/** One application payload with its type. */
export class Message {
  /** 1 to 4294967295; what each means is up to the two programs. */
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

  /** `data` as UTF-8 text, with the byte order mark, if there is one. Bytes that are not UTF-8 become U+FFFD. */
  get text(): string {
    return toText(this.data);
  }

  /**
   * Frees the memory of `data` at once, without waiting for the garbage collector; `data` is empty from then on. This
   * is for applications that read many messages of 16 KiB and more, for which garbage collection costs more than
   * encryption. The memory of smaller data is left to the garbage collector.
   *
   * Nothing may use `data` any more: no other listener, and no view of it. Data that were passed to `write` are not
   * used once that has returned.
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

  /** @internal Its weight in a queue, which stays the same whatever the application does with the message. */
  get weight(): number {
    return this.#weight;
  }
}

/** What can be written. Text is sent as UTF-8, so it must not have half of a surrogate pair. */
export type MessageData = string | Uint8Array;

/**
 * @throws CallerError `ERR_INVALID_ARGUMENT` as {@link byteView}: nothing else is converted to text or JSON. Also for
 * text with half of a surrogate pair.
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
