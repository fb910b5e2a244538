/** Most cancels that are kept for requests to come. A peer that sends more has its requests handled for nothing. */
export const highestEarlyCancels = 16_384;
/** Most requests that others may overtake and whose cancels are still known to be early. */
export const highestOvertaken = 1_024;

/**
 * Cancels that came before their requests, as they travel in another lane: a request that waits for its window is
 * overtaken, and so is one whose large body is under way. It is not to be handled when it comes, or those who gave up
 * waiting would keep the handlers busy.
 *
 * Source: spec/protocol.md, "Requests".
 */
export class EarlyCancels {
  readonly #ids = new Set<number>();
  #lastArrived = 0;
  /** Ids before the last that have not come: large requests are overtaken by small ones. */
  readonly #overtaken = new Set<number>();

  /** A cancel of a request that is not there. One whose request was there before has crossed its answer. */
  add(id: number): void {
    const isEarly = isAfter(id, this.#lastArrived) || this.#overtaken.has(id);
    if (isEarly && this.#ids.size < highestEarlyCancels) this.#ids.add(id);
  }

  /** A request has come. Whether it was cancelled before. */
  arrived(id: number): boolean {
    if (isAfter(id, this.#lastArrived)) this.#advance(id);
    else this.#overtaken.delete(id);
    return this.#ids.size > 0 && this.#ids.delete(id);
  }

  /** Ids begin anew, with another session. */
  clear(): void {
    this.#ids.clear();
    this.#overtaken.clear();
    this.#lastArrived = 0;
  }

  #advance(id: number): void {
    const skipped = Math.min(((id - this.#lastArrived) >>> 0) - 1, highestOvertaken);
    for (let distance = skipped; distance > 0; distance--) this.#overtaken.add((id - distance) >>> 0);
    this.#lastArrived = id;
    // Those that were overtaken first never come, it seems: a new session goes on with the ids of the old.
    for (const oldest of this.#overtaken) {
      if (this.#overtaken.size <= highestOvertaken) break;
      this.#overtaken.delete(oldest);
    }
  }
}

/** Ids go round, so what is less than half the way ahead is after, and the rest before. */
function isAfter(id: number, other: number): boolean {
  const distance = (id - other) >>> 0;
  return distance > 0 && distance < 0x8000_0000;
}
