/**
 * Max number of cancels that are kept for requests yet to arrive. If a peer sends more, its requests are handled in
 * vain.
 */
export const maxEarlyCancels = 16_384;
/** Max number of runs of overtaken requests whose cancels are still recognised as early. */
export const maxOvertaken = 1_024;

/** Ids from the first to the last, inclusive. */
interface Run {
  readonly first: number;
  readonly last: number;
}

/**
 * Cancels that arrived before their requests, which travel in another lane: a cancel overtakes a request that waits
 * for its window, or whose large body is under way. Such a request must not be handled when it arrives; otherwise
 * requests that nobody waits for would keep the handlers busy.
 *
 * Source: spec/protocol.md, "Requests".
 */
export class EarlyCancels {
  /** Made for the first: most peers never cancel so early. */
  #ids: Set<number> | undefined;
  #lastArrived = 0;
  /**
   * Ids before the last that have not arrived, in order: small requests overtake large ones. Kept as runs, so that a
   * peer whose ids leap costs no more than one that counts.
   */
  readonly #overtaken: Run[] = [];

  /** A cancel of an unknown request. If the request has been there before, the cancel has crossed the answer. */
  add(id: number): void {
    const isEarly = isAfter(id, this.#lastArrived) || this.#runOf(id) >= 0;
    if (!isEarly) return;
    this.#ids ??= new Set();
    if (this.#ids.size < maxEarlyCancels) this.#ids.add(id);
  }

  /** A request has arrived. Returns whether it was cancelled before. */
  arrived(id: number): boolean {
    if (isAfter(id, this.#lastArrived)) this.#advance(id);
    else this.#catchUp(id);
    return this.#ids?.delete(id) ?? false;
  }

  #advance(id: number): void {
    const first = (this.#lastArrived + 1) >>> 0;
    this.#lastArrived = id;
    if (id !== first) this.#overtaken.push({ first, last: (id - 1) >>> 0 });
    // An id half way round is no longer before the last, and is dropped; the rest stay in order.
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

  /** A binary search: every cancel and request of a peer leads here, and costs the peer only a few bytes. */
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

  /** How far that id is before the last that has arrived. */
  #distanceTo(id: number): number {
    return (this.#lastArrived - id) >>> 0;
  }

  /** A sealpipe peer skips no id, so the ids that were overtaken first and have not arrived since never will. */
  #forgetOldest(): void {
    if (this.#overtaken.length > maxOvertaken) this.#overtaken.shift();
  }
}

/** Ids wrap around: those less than half way ahead are after `other`, and the rest before. */
function isAfter(id: number, other: number): boolean {
  const distance = (id - other) >>> 0;
  return distance > 0 && distance < 0x8000_0000;
}
