import { setImmediate } from "../../transport/timers.ts";
/** How far the handshake is that waits: one that has its key pair, or one that needs it yet. */
export type Stage = "begun" | "fresh";

/**
 * The most turns of the event loop in a row that are left to clients that connect. Node accepts one client in a turn, so
 * without this a newcomer would wait for a costly step of each client before it. When the server is full, each newcomer
 * pushes out another, and to hurry would only push out more.
 */
const maxLeft = 4;

/**
 * Lets the handshakes of a server take turns, one in each turn of the event loop. A step of an encrypted handshake costs
 * a millisecond or two of computing: if a thousand clients took it at once, the others would wait for seconds.
 *
 * A peer that has many handshakes wait must not keep out the others. So those that have begun and those that are fresh
 * alternate, and of each kind the newest and the oldest do: a newcomer does not wait for all that came before, and the one
 * that has waited longest is soon next, however many come after.
 */
export class HandshakeTurns {
  readonly #waiting: Record<Stage, (() => void)[]> = { begun: [], fresh: [] };
  #scheduled = false;
  #taken = 0;
  /** Whether a client came since the last turn of the event loop. */
  #clientCame = false;
  /** Turns of the event loop that were left to clients that came, since the last step. */
  #left = 0;

  /** Calls `takeTurn` once it is its turn, never before this returns. */
  wait(stage: Stage, takeTurn: () => void): void {
    this.#waiting[stage].push(takeTurn);
    this.#schedule();
  }

  /** A client was accepted for which there was room, and others may wait to be. */
  clientCame(): void {
    this.#clientCame = true;
  }

  /** It has nothing to do any more. */
  leave(takeTurn: () => void): void {
    for (const waiting of Object.values(this.#waiting)) {
      const index = waiting.indexOf(takeTurn);
      if (index >= 0) waiting.splice(index, 1);
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#next);
  }

  readonly #next = (): void => {
    this.#scheduled = false;
    if (this.#leavesThisTurn()) {
      this.#schedule();
      return;
    }
    const takeTurn = this.#takeNext();
    if (takeTurn === undefined) return;
    const { begun, fresh } = this.#waiting;
    if (begun.length + fresh.length > 0) this.#schedule();
    takeTurn();
  };

  #leavesThisTurn(): boolean {
    const leaves = this.#clientCame && this.#left < maxLeft;
    this.#clientCame = false;
    this.#left = leaves ? this.#left + 1 : 0;
    return leaves;
  }

  #takeNext(): (() => void) | undefined {
    const { begun, fresh } = this.#waiting;
    const [first, second] = this.#taken % 2 === 0 ? [begun, fresh] : [fresh, begun];
    const waiting = first.length > 0 ? first : second;
    const newest = this.#taken % 4 < 2;
    this.#taken += 1;
    return newest ? waiting.pop() : waiting.shift();
  }
}
