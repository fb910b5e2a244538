import { clearTimeout, setTimeout } from "../../transport/timers.ts";

/**
 * How long a server's broadcast waits for clients that have no room. A client that has used all of its grace is slow,
 * and broadcasts do not wait for it until it has read all that was written to it. Otherwise a client that reads just
 * enough to have room again could make every broadcast wait.
 */
export class SlowClients<C extends { readonly queuedBytes: number }> {
  readonly #graceMs: number;
  readonly #waits = new WeakMap<Promise<void>, Promise<void>>();
  readonly #slow = new WeakSet<C>();
  /** Whether a client was ever slow: until then a broadcast need not look at each client's queue. */
  #hadSlow = false;

  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  /** A message is about to be written to the client. */
  writing(client: C): void {
    if (this.#hadSlow && client.queuedBytes === 0) this.#slow.delete(client);
  }

  /**
   * Settles with `room`, which does not reject, or when the client's grace is over; `undefined` if it is over
   * already.
   */
  wait(client: C, room: Promise<void>): Promise<void> | undefined {
    if (this.#slow.has(client) || this.#graceMs === 0) return undefined;
    const known = this.#waits.get(room);
    if (known !== undefined) return known;
    const wait = new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.#hadSlow = true;
        this.#slow.add(client);
        resolve();
      }, this.#graceMs);
      timer.unref();
      void room.then(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.#waits.set(room, wait);
    return wait;
  }
}
