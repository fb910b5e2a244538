/** How far the handshake is that waits: one that has its key pair goes before one that needs it yet. */
export type Stage = "begun" | "fresh";

/**
 * Lets the handshakes of a server take turns, one in each turn of the event loop. A step of an encrypted handshake costs
 * a millisecond or two of computing: if a thousand clients took it at once, the others would wait for seconds.
 *
 * Those that are further go first: there is one of them for each fresh one that had its turn, so that none waits for
 * ever, and a client that has come so far is soon done.
 */
export class HandshakeTurns {
  readonly #waiting: Record<Stage, Set<() => void>> = { begun: new Set(), fresh: new Set() };
  #scheduled = false;

  /** Calls `takeTurn` once it is its turn, never before this returns. */
  wait(stage: Stage, takeTurn: () => void): void {
    this.#waiting[stage].add(takeTurn);
    this.#schedule();
  }

  /** It has nothing to do any more. */
  leave(takeTurn: () => void): void {
    this.#waiting.begun.delete(takeTurn);
    this.#waiting.fresh.delete(takeTurn);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#next);
  }

  readonly #next = (): void => {
    this.#scheduled = false;
    const { begun, fresh } = this.#waiting;
    const queue = begun.size > 0 ? begun : fresh;
    const [takeTurn] = queue;
    if (takeTurn === undefined) return;
    queue.delete(takeTurn);
    if (begun.size + fresh.size > 0) this.#schedule();
    takeTurn();
  };
}
