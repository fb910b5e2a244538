import type { Message } from "../messages/message.ts";

/**
 * How much the application has yet to read of what has arrived. Full at `maxQueuedBytes`; there is room again at half
 * of that. Each connection of a server has one, and a client has one for all its successive connections.
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

  /** The weight of the messages that wait to be read. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Sets the callback of the driver that reads the transport now, which goes on once there is room. */
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
