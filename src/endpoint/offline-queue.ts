import type { MessageContent } from "../protocol/message.ts";
import { messageOverheadBytes } from "./message.ts";

/** What was written while there was no connection, in order. */
export class OfflineQueue {
  #messages: MessageContent[] = [];
  #bytes = 0;

  /** What waits, in bytes, with what each message weighs besides its data. */
  get bytes(): number {
    return this.#bytes;
  }

  push(type: number, data: Uint8Array): void {
    // A copy: the caller may use its bytes again at once.
    this.#messages.push({ type, data: Uint8Array.from(data) });
    this.#bytes += data.length + messageOverheadBytes;
  }

  /** Empties the queue. */
  takeAll(): MessageContent[] {
    const messages = this.#messages;
    this.#messages = [];
    this.#bytes = 0;
    return messages;
  }
}
