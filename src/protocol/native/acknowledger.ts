import { encodeFrame, frameKinds } from "./frame.ts";
import type { Incoming } from "./incoming.ts";
import { encodePositions } from "./positions.ts";

/** What was taken is told after so long at the latest, in milliseconds. */
const acknowledgeAfterMs = 20;

/** Decides when to tell the peer what was taken. Source: spec/protocol.md, "Lanes". */
export class Acknowledger {
  readonly #incoming: Incoming;
  #at: number | undefined;
  #asked = false;
  #isLate = false;

  constructor(incoming: Incoming) {
    this.#incoming = incoming;
  }

  /** When it is time to tell what nobody has asked for. */
  get nextTimeout(): number | undefined {
    return this.#at;
  }

  /** There is news, and it is worth a record of its own. */
  get isDue(): boolean {
    if (!this.#incoming.hasNews) return false;
    return this.#isLate || this.#incoming.hasUrgentNews || (this.#asked && this.#incoming.allTaken);
  }

  /** There is news worth to go with what is sent anyway. */
  get isNotable(): boolean {
    return this.isDue || this.#incoming.hasNotableNews;
  }

  /** The peer waits for what we have received to be taken. */
  ask(): void {
    this.#asked = true;
  }

  /** Something may have been taken at `now`. */
  notice(now: number): void {
    if (this.#at === undefined && this.#incoming.hasNews) this.#at = now + acknowledgeAfterMs;
  }

  handleTimeout(now: number): void {
    if (this.#at === undefined || now < this.#at) return;
    this.#isLate = true;
    this.#at = undefined;
  }

  /** The frame that tells all there is, to go with what else is sent; `undefined` where there is no news. */
  takeFrame(): Uint8Array | undefined {
    if (!this.#incoming.hasNews) return undefined;
    if (this.#incoming.allTaken) this.#asked = false;
    this.#at = undefined;
    this.#isLate = false;
    return encodeFrame(frameKinds.acknowledge, encodePositions(this.#incoming.tell()));
  }
}
