import { setImmediate } from "../../transport/timers.ts";
/** How far a waiting handshake is: `begun` has its key pair, `fresh` has not. */
export type Stage = "begun" | "fresh";

/** Makes the step, or has it go on outside the event loop: then {@link HandshakeTurns.cameBack} follows. */
export type TakeTurn = () => "here" | "elsewhere";

/**
 * Max number of successive turns of the event loop that are left to clients that connect. Node accepts one client in
 * a turn, so without this a newcomer would wait for a costly step of each client before it. When the server is full,
 * each newcomer displaces another client, so hurrying would only displace more.
 */
const maxLeft = 4;

/**
 * Max number of steps that go on outside the event loop at a time, on libuv's threads, of which there are four unless the
 * application has more: it needs them, too.
 */
const maxElsewhere = 2;

/**
 * Lets the handshakes of a server take turns, one in each turn of the event loop. A step of an encrypted handshake
 * costs a millisecond or two of computing: the steps of a thousand clients at once would make the others wait for
 * seconds.
 *
 * A peer with many waiting handshakes must not keep out the others. So turns alternate between begun and fresh
 * handshakes, and within each kind between the newest and the oldest: a newcomer does not wait for all that came
 * before it, and the handshake that has waited longest is soon next, however many come after it.
 */
export class HandshakeTurns {
  readonly #waiting: Record<Stage, TakeTurn[]> = { begun: [], fresh: [] };
  #scheduled = false;
  #elsewhere = 0;
  #taken = 0;
  /** Whether a client connected since the last turn of the event loop. */
  #clientCame = false;
  /** Turns of the event loop that were left to clients that connect, since the last step. */
  #left = 0;

  /** Calls `takeTurn` when its turn comes, never before this returns. */
  wait(stage: Stage, takeTurn: TakeTurn): void {
    this.#waiting[stage].push(takeTurn);
    this.#schedule();
  }

  /** A step that went on elsewhere is done there. */
  cameBack(): void {
    this.#elsewhere -= 1;
    this.#schedule();
  }

  /** A client was accepted for which there was room, and others may wait to be. */
  clientCame(): void {
    this.#clientCame = true;
  }

  /** Removes a waiting handshake. */
  leave(takeTurn: TakeTurn): void {
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
    if (this.#elsewhere >= maxElsewhere) return;
    if (this.#leavesThisTurn()) {
      this.#schedule();
      return;
    }
    const takeTurn = this.#takeNext();
    if (takeTurn === undefined) return;
    const { begun, fresh } = this.#waiting;
    if (begun.length + fresh.length > 0) this.#schedule();
    if (takeTurn() === "elsewhere") this.#elsewhere += 1;
  };

  #leavesThisTurn(): boolean {
    const leaves = this.#clientCame && this.#left < maxLeft;
    this.#clientCame = false;
    this.#left = leaves ? this.#left + 1 : 0;
    return leaves;
  }

  #takeNext(): TakeTurn | undefined {
    const { begun, fresh } = this.#waiting;
    const [first, second] = this.#taken % 2 === 0 ? [begun, fresh] : [fresh, begun];
    const waiting = first.length > 0 ? first : second;
    const newest = this.#taken % 4 < 2;
    this.#taken += 1;
    return newest ? waiting.pop() : waiting.shift();
  }
}
