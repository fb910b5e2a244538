import { bodyTimeout } from "../../engine-errors.ts";
import { Patience } from "../../patience.ts";
import type { Incoming } from "./incoming.ts";
import type { UnfinishedBody } from "./incoming-bodies.ts";

const never = Number.POSITIVE_INFINITY;

/** How long the peer has for a body, and since when our window keeps it from going on. */
interface Wait {
  readonly patience: Patience;
  heldSince: number | undefined;
}

/**
 * Until when the peer has to go on with the large bodies that it has begun, on one connection. The time in which a lane's
 * window keeps it from that does not count.
 *
 * Source: spec/protocol.md, "Large bodies" and "Slow peers". Times are on the engine's clock.
 */
export class BodyDeadlines {
  readonly #incoming: Incoming;
  readonly #timeoutMs: number;
  #waits = new Map<UnfinishedBody, Wait>();
  /** When the first of them is over that our window does not hold up, and whether it holds up any. */
  #next = never;
  #isHeld = false;

  constructor(incoming: Incoming, timeoutMs: number) {
    this.#incoming = incoming;
    this.#timeoutMs = timeoutMs;
  }

  /** Whether bodies were under way when that was noticed last. */
  get isWaiting(): boolean {
    return this.#waits.size > 0;
  }

  /** Whether the application, too, has to do with when it is over: it opens the window of a lane. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  get nextTimeout(): number {
    return this.#next;
  }

  /** Bodies may have begun, gone on or ended, or a window have opened or closed, at `now`. */
  notice(now: number): void {
    const waits = new Map<UnfinishedBody, Wait>();
    this.#next = never;
    this.#isHeld = false;
    for (const { body, held } of this.#incoming.unfinishedBodies()) {
      const wait = this.#waits.get(body) ?? this.#begin(body, now);
      if (wait.heldSince !== undefined) wait.patience.extend(now - wait.heldSince);
      wait.heldSince = held ? now : undefined;
      wait.patience.left(body.missingBytes, now);
      waits.set(body, wait);
      if (held) this.#isHeld = true;
      else this.#next = Math.min(this.#next, wait.patience.at);
    }
    this.#waits = waits;
  }

  /** Nothing more is waited for. */
  clear(): void {
    this.#waits.clear();
    this.#next = never;
    this.#isHeld = false;
  }

  /** @throws PeerError `ERR_FRAME_TIMEOUT` */
  handleTimeout(now: number): void {
    if (now >= this.#next) throw bodyTimeout(this.#timeoutMs);
  }

  #begin({ missingBytes }: UnfinishedBody, now: number): Wait {
    return { patience: new Patience(this.#timeoutMs, { amount: missingBytes, now }), heldSince: undefined };
  }
}
