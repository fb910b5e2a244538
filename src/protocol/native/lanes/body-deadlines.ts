import { bodyTimeout } from "../../engine-errors.ts";
import { Patience } from "../../patience.ts";
import type { Incoming } from "./incoming.ts";
import type { UnfinishedBody } from "./incoming-bodies.ts";

/** For all that wait for no body, as most do. */
const noWaits: ReadonlyMap<UnfinishedBody, Wait> = new Map();
const never = Number.POSITIVE_INFINITY;

/** How long the peer has for a body, and since when this end's window holds it up. */
interface Wait {
  readonly patience: Patience;
  heldSince: number | undefined;
}

/**
 * The deadlines of the large bodies that the peer has begun, on one connection. The time in which a lane's window
 * holds the peer up does not count.
 *
 * Source: spec/protocol.md, "Large bodies" and "Slow peers". Times are on the engine's clock.
 */
export class BodyDeadlines {
  readonly #incoming: Incoming;
  readonly #timeoutMs: number;
  #waits = noWaits;
  /** The first deadline of a body that no window holds up, and whether a window holds up any body. */
  #next = never;
  #isHeld = false;

  constructor(incoming: Incoming, timeoutMs: number) {
    this.#incoming = incoming;
    this.#timeoutMs = timeoutMs;
  }

  /** Whether bodies were under way at the last {@link notice}. */
  get isWaiting(): boolean {
    return this.#waits.size > 0;
  }

  /** Whether a deadline also depends on the application, which opens the window of a lane. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  get nextTimeout(): number {
    return this.#next;
  }

  /** Call this when bodies may have begun, gone on or ended, or a window may have opened or closed, at `now`. */
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
    this.#waits = waits.size > 0 ? waits : noWaits;
  }

  /** Drops all deadlines. */
  clear(): void {
    this.#waits = noWaits;
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
