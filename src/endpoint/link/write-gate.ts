import { PeerError } from "../../errors.ts";

interface Settlers {
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * What tells writers to wait. Up to a quarter of `maxQueuedBytes` there is room; past it a write gives a promise that
 * settles when half of that quarter has left; and once the whole is queued, writes are refused.
 */
export class WriteGate {
  readonly #maxQueuedBytes: number;
  readonly #roomBytes: number;
  #room: Promise<void> | undefined;
  #resolveRoom: () => void = () => {};
  #flushes: Settlers[] = [];

  constructor(maxQueuedBytes: number) {
    this.#maxQueuedBytes = maxQueuedBytes;
    this.#roomBytes = maxQueuedBytes / 4;
  }

  /** @throws PeerError `ERR_QUEUE_FULL` if the peer lets too much wait. */
  checkRoom(queuedBytes: number): void {
    if (queuedBytes < this.#maxQueuedBytes) return;
    throw new PeerError(
      "ERR_QUEUE_FULL",
      `${queuedBytes} bytes wait to be sent, over maxQueuedBytes (${this.#maxQueuedBytes}): the peer reads more slowly than this end writes, and await write() would wait for it`,
    );
  }

  /** What a write returns with so much queued: nothing while there is room, else when there will be. */
  roomAt(queuedBytes: number): Promise<void> | undefined {
    if (queuedBytes <= this.#roomBytes) return undefined;
    if (this.#room === undefined) {
      this.#room = new Promise((resolve) => {
        this.#resolveRoom = resolve;
      });
    }
    return this.#room;
  }

  /** Settles once nothing is queued. */
  flushAt(queuedBytes: number): Promise<void> {
    if (queuedBytes === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#flushes.push({ resolve, reject });
    });
  }

  /** Some of what was queued has left. `unflushedBytes`: with what a flush waits for besides. */
  progressed(queuedBytes: number, unflushedBytes = queuedBytes): void {
    if (queuedBytes <= this.#roomBytes / 2) this.#freeRoom();
    if (unflushedBytes === 0) this.#settleFlushes((settlers) => settlers.resolve());
  }

  /** What was queued will not leave any more; later writes may. */
  lost(error: unknown): void {
    this.#settleFlushes((settlers) => settlers.reject(error));
  }

  /**
   * Nothing will leave any more. Writers that wait for room go on: a peer that goes is no failure of theirs, and one
   * that does not await its write must not be ended by an unhandled rejection.
   */
  end(error: unknown): void {
    this.#freeRoom();
    this.lost(error);
  }

  #freeRoom(): void {
    this.#room = undefined;
    this.#resolveRoom();
  }

  #settleFlushes(settle: (settlers: Settlers) => void): void {
    const flushes = this.#flushes;
    this.#flushes = [];
    flushes.forEach(settle);
  }
}
