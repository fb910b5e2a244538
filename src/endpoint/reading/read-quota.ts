import type { Message } from "../messages/message.ts";

/**
 * How much of what arrived the application has yet to read. Full at `maxQueuedBytes`; there is room again at half of it.
 * A connection of a server has one, and a client has one for all its connections in turn.
 */
export class ReadQuota {
  readonly #maxBytes: number;
  #bytes = 0;
  #tellRoom: () => void = () => {};

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get isFull(): boolean {
    return this.#bytes >= this.#maxBytes;
  }

  /** What waits to be read. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Who reads the transport now, and goes on once there is room. */
  onRoom(tell: () => void): void {
    this.#tellRoom = tell;
  }

  queued(message: Message): void {
    this.#bytes += message.weight;
  }

  taken(message: Message): void {
    this.#bytes -= message.weight;
    if (this.#bytes <= this.#maxBytes / 2) this.#tellRoom();
  }
}
