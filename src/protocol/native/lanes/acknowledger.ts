import { encodeFrame, frameKinds } from "../wire/frame.ts";
import { encodePositions } from "../wire/positions.ts";
import type { Incoming } from "./incoming.ts";

/** Everything consumed is acknowledged after this time at the latest, in milliseconds. */
const acknowledgeAfterMs = 20;

/** Decides when to acknowledge consumed bytes. Source: spec/protocol.md, "Lanes". */
export class Acknowledger {
  readonly #incoming: Incoming;
  #at: number | undefined;
  #asked = false;
  #isLate = false;

  constructor(incoming: Incoming) {
    this.#incoming = incoming;
  }

  /** When to acknowledge at the latest, although the peer has not asked. */
  get nextTimeout(): number | undefined {
    return this.#at;
  }

  /** Whether there is enough to acknowledge for a record of its own. */
  get isDue(): boolean {
    if (!this.#incoming.hasNews) return false;
    return this.#isLate || this.#incoming.hasUrgentNews || (this.#asked && this.#incoming.allConsumed);
  }

  /** Whether there is enough to acknowledge for a frame in a record that is sent anyway. */
  get isNotable(): boolean {
    return this.isDue || this.#incoming.hasNotableNews;
  }

  /** The peer asks for an acknowledgement once everything that has arrived is consumed. */
  ask(): void {
    this.#asked = true;
  }

  /** Call this when something may have been consumed, at `now`. */
  notice(now: number): void {
    if (this.#at === undefined && this.#incoming.hasNews) this.#at = now + acknowledgeAfterMs;
  }

  handleTimeout(now: number): void {
    if (this.#at === undefined || now < this.#at) return;
    this.#isLate = true;
    this.#at = undefined;
  }

  /** The frame that acknowledges everything consumed, or `undefined` if that is acknowledged already. */
  takeFrame(): Uint8Array | undefined {
    if (!this.#incoming.hasNews) return undefined;
    if (this.#incoming.allConsumed) this.#asked = false;
    this.#at = undefined;
    this.#isLate = false;
    return encodeFrame(frameKinds.acknowledge, encodePositions(this.#incoming.acknowledge()));
  }
}
