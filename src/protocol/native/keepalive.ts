/** When to check whether the peer is alive, in milliseconds. */
export interface KeepaliveLimits {
  /** How long a silence leads to a ping. */
  readonly keepaliveIntervalMs: number;
  /** How long the silence may last after a ping. */
  readonly keepaliveTimeoutMs: number;
}

/**
 * Finds out whether the peer is alive. Source: spec/protocol.md, "Keepalive".
 *
 * Times are on the engine's clock.
 */
export class Keepalive {
  readonly #intervalMs: number;
  readonly #timeoutMs: number;
  #heardAt: number;
  #pingedAt: number | undefined;

  constructor(limits: KeepaliveLimits, now: number) {
    this.#intervalMs = limits.keepaliveIntervalMs;
    this.#timeoutMs = limits.keepaliveTimeoutMs;
    this.#heardAt = now;
  }

  /** Something has arrived from the peer. */
  heard(now: number): void {
    this.#heardAt = now;
    this.#pingedAt = undefined;
  }

  nextTimeout(): number {
    if (this.#pingedAt !== undefined) return this.#pingedAt + this.#timeoutMs;
    return this.#heardAt + this.#intervalMs;
  }

  /** What to do now: send a ping, or consider the peer dead. */
  handleTimeout(now: number): "ping" | "dead" | undefined {
    const lateMs = now - this.nextTimeout();
    if (lateMs < 0) return undefined;
    // A timeout that is this late means that this process was held up: what the peer sent may be unread, and the last
    // ping unsent.
    const heldUp = lateMs > this.#timeoutMs / 2;
    if (this.#pingedAt !== undefined && !heldUp) return "dead";
    this.#pingedAt = now;
    return "ping";
  }
}
