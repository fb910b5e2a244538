/** Most cancels that are kept for requests to come. A peer that sends more has its requests handled for nothing. */
export const maxEarlyCancels = 16_384;
/** Most runs of requests that others may overtake and whose cancels are still known to be early. */
export const maxOvertaken = 1_024;

/** Ids from the first to the last, both of them too. */
interface Run {
  readonly first: number;
  readonly last: number;
}

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
  /**
   * Ids before the last that have not come, in order: large requests are overtaken by small ones. As runs, so that a peer
   * whose ids leap costs no more than one that counts.
   */
  readonly #overtaken: Run[] = [];

  /** A cancel of a request that is not there. One whose request was there before has crossed its answer. */
  add(id: number): void {
    const isEarly = isAfter(id, this.#lastArrived) || this.#runOf(id) >= 0;
    if (isEarly && this.#ids.size < maxEarlyCancels) this.#ids.add(id);
  }

  /** A request has come. Whether it was cancelled before. */
  arrived(id: number): boolean {
    if (isAfter(id, this.#lastArrived)) this.#advance(id);
    else this.#catchUp(id);
    return this.#ids.size > 0 && this.#ids.delete(id);
  }

  #advance(id: number): void {
    const first = (this.#lastArrived + 1) >>> 0;
    this.#lastArrived = id;
    if (id !== first) this.#overtaken.push({ first, last: (id - 1) >>> 0 });
    // What lies half the way behind is before nothing any more, and those in between stay in order.
    while (this.#overtaken.length > 0 && isAfter((this.#overtaken[0] as Run).first, id))
      this.#overtaken.shift();
    this.#forgetOldest();
  }

  #catchUp(id: number): void {
    const index = this.#runOf(id);
    const run = this.#overtaken[index];
    if (run === undefined) return;
    const rest: Run[] = [];
    if (run.first !== id) rest.push({ first: run.first, last: (id - 1) >>> 0 });
    if (run.last !== id) rest.push({ first: (id + 1) >>> 0, last: run.last });
    this.#overtaken.splice(index, 1, ...rest);
    this.#forgetOldest();
  }

  /** By halves: a peer may ask for each of its cancels and requests, and pays for a few bytes only. */
  #runOf(id: number): number {
    let low = 0;
    let high = this.#overtaken.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#distanceTo((this.#overtaken[middle] as Run).last) > this.#distanceTo(id)) low = middle + 1;
      else high = middle;
    }
    const run = this.#overtaken[low];
    return run !== undefined && this.#distanceTo(run.first) >= this.#distanceTo(id) ? low : -1;
  }

  /** How far that id lies behind the last that has come. */
  #distanceTo(id: number): number {
    return (this.#lastArrived - id) >>> 0;
  }

  /** A peer of ours leaves none out, so what was overtaken first, and has not come since, never will. */
  #forgetOldest(): void {
    if (this.#overtaken.length > maxOvertaken) this.#overtaken.shift();
  }
}

/** Ids go round, so what is less than half the way ahead is after, and the rest before. */
function isAfter(id: number, other: number): boolean {
  const distance = (id - other) >>> 0;
  return distance > 0 && distance < 0x8000_0000;
}
