import { PeerError } from "../../errors.ts";
import { type About, aboutNobody, channels } from "../diagnostics.ts";

interface Settlers {
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Makes writers wait. Up to a quarter of `maxQueuedBytes` there is room; past it a write returns a promise that
 * settles when half of that quarter has left; and once the whole is queued, writes are refused.
 */
export class WriteGate {
  readonly #maxQueuedBytes: number;
  readonly #roomBytes: number;
  readonly #about: About;
  #room: Promise<void> | undefined;
  #resolveRoom: () => void = () => {};
  #flushes: Settlers[] = [];

  constructor(maxQueuedBytes: number, about = aboutNobody) {
    this.#about = about;
    this.#maxQueuedBytes = maxQueuedBytes;
    this.#roomBytes = maxQueuedBytes / 4;
  }

  /** @throws PeerError `ERR_QUEUE_FULL` if too much waits for the peer. */
  checkRoom(queuedBytes: number): void {
    if (queuedBytes < this.#maxQueuedBytes) return;
    throw new PeerError(
      "ERR_QUEUE_FULL",
      `${queuedBytes} bytes wait to be sent, over maxQueuedBytes (${this.#maxQueuedBytes}): the peer reads more slowly than this end writes; to wait for it, await write()`,
    );
  }

  /** What a write returns with `queuedBytes` queued: `undefined` while there is room, else a promise for it. */
  roomAt(queuedBytes: number): Promise<void> | undefined {
    if (queuedBytes <= this.#roomBytes) return undefined;
    if (this.#room === undefined) {
      this.#room = new Promise((resolve) => {
        this.#resolveRoom = resolve;
      });
      this.#publish(true, queuedBytes);
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

  /** Some of the queue has left. `unflushedBytes` also counts what only a flush waits for. */
  progressed(queuedBytes: number, unflushedBytes = queuedBytes): void {
    if (this.#room !== undefined && queuedBytes <= this.#roomBytes / 2) this.#freeRoom(queuedBytes);
    if (unflushedBytes === 0) this.#settleFlushes((settlers) => settlers.resolve());
  }

  /** What is queued will not leave any more; later writes may. */
  lost(error: unknown): void {
    this.#settleFlushes((settlers) => settlers.reject(error));
  }

  /**
   * Nothing will leave any more. Writers that wait for room go on: that a peer leaves is not their error, and a
   * program that does not await its writes must not end with an unhandled rejection.
   */
  end(error: unknown): void {
    if (this.#room !== undefined) this.#freeRoom(0);
    this.lost(error);
  }

  #freeRoom(queuedBytes: number): void {
    this.#room = undefined;
    this.#publish(false, queuedBytes);
    this.#resolveRoom();
  }

  /** Writers have to wait, or no more. */
  #publish(isFull: boolean, queuedBytes: number): void {
    if (channels.queue.hasSubscribers) channels.queue.publish({ ...this.#about, isFull, queuedBytes });
  }

  #settleFlushes(settle: (settlers: Settlers) => void): void {
    const flushes = this.#flushes;
    this.#flushes = [];
    flushes.forEach(settle);
  }
}
