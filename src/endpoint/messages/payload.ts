import { releaseData } from "../../protocol/memory.ts";
import { noData } from "./message.ts";
import { toText } from "./text.ts";

/**
 * Data of an application: an answer, an item of a stream, or what a stream was opened with. A {@link Message} does the same
 * by itself, as a base class would double what it costs to make one.
 */
export abstract class Payload {
  /** The payload. It is yours, like that of a {@link Message}. */
  readonly data: Uint8Array;

  constructor(data: Uint8Array) {
    this.data = data;
  }

  /** `data` as UTF-8 text, with the byte order mark, if there is one. Bytes that are not UTF-8 become U+FFFD. */
  get text(): string {
    return toText(this.data);
  }

  /** Frees the memory of `data` at once; `data` is empty from then on. See {@link Message.release}. */
  release(): void {
    releaseData(this.data);
    (this as { data: Uint8Array }).data = noData();
  }
}
