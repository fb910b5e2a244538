/** When to ask whether the peer is alive, in milliseconds. */
export interface KeepaliveLimits {
  /** How long nothing may be heard before a ping. */
  readonly keepaliveIntervalMs: number;
  /** How long after a ping nothing may be heard. */
  readonly keepaliveTimeoutMs: number;
}

/**
 * Finds out whether the peer is alive. Source: spec/protocol.md, "Keepalive".
 *
 * Times are on the engine's clock.
 */
export class Keepalive {
  readonly #limits: KeepaliveLimits;
  #heardAt: number;
  #pingedAt: number | undefined;

  constructor(limits: KeepaliveLimits, now: number) {
    this.#limits = limits;
    this.#heardAt = now;
  }

  /** Something has come from the peer. */
  heard(now: number): void {
    this.#heardAt = now;
    this.#pingedAt = undefined;
  }

  nextTimeout(): number {
    const { keepaliveIntervalMs, keepaliveTimeoutMs } = this.#limits;
    if (this.#pingedAt !== undefined) return this.#pingedAt + keepaliveTimeoutMs;
    return this.#heardAt + keepaliveIntervalMs;
  }

  /** What to do now: send a ping, or take the peer for dead. */
  handleTimeout(now: number): "ping" | "dead" | undefined {
    const lateMs = now - this.nextTimeout();
    if (lateMs < 0) return undefined;
    // That late, it is us who were held up: what the peer sent may lie unread, and our last ping unsent.
    const heldUp = lateMs > this.#limits.keepaliveTimeoutMs / 2;
    if (this.#pingedAt !== undefined && !heldUp) return "dead";
    this.#pingedAt = now;
    return "ping";
  }
}
