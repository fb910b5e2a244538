import { encodeFrame, frameKinds } from "../wire/frame.ts";
import { encodePositions } from "../wire/positions.ts";
import type { Incoming } from "./incoming.ts";

/** What is consumed is acknowledged after this time at the latest, in milliseconds. */
const acknowledgeAfterMs = 20;

/** Decides when to acknowledge what is consumed. Source: spec/protocol.md, "Lanes". */
export class Acknowledger {
  readonly #incoming: Incoming;
  #at: number | undefined;
  #asked = false;
  #isLate = false;

  constructor(incoming: Incoming) {
    this.#incoming = incoming;
  }

  /** When to acknowledge what nobody has asked for. */
  get nextTimeout(): number | undefined {
    return this.#at;
  }

  /** There is something to acknowledge, and it is worth a record of its own. */
  get isDue(): boolean {
    if (!this.#incoming.hasNews) return false;
    return this.#isLate || this.#incoming.hasUrgentNews || (this.#asked && this.#incoming.allConsumed);
  }

  /** There is something to acknowledge that is worth a frame in a record that is sent anyway. */
  get isNotable(): boolean {
    return this.isDue || this.#incoming.hasNotableNews;
  }

  /** The peer waits until all that has arrived is consumed. */
  ask(): void {
    this.#asked = true;
  }

  /** Something may have been consumed by `now`. */
  notice(now: number): void {
    if (this.#at === undefined && this.#incoming.hasNews) this.#at = now + acknowledgeAfterMs;
  }

  handleTimeout(now: number): void {
    if (this.#at === undefined || now < this.#at) return;
    this.#isLate = true;
    this.#at = undefined;
  }

  /** The frame that acknowledges all that is consumed, or `undefined` if the peer knows. */
  takeFrame(): Uint8Array | undefined {
    if (!this.#incoming.hasNews) return undefined;
    if (this.#incoming.allConsumed) this.#asked = false;
    this.#at = undefined;
    this.#isLate = false;
    return encodeFrame(frameKinds.acknowledge, encodePositions(this.#incoming.acknowledge()));
  }
}
