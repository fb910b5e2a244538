import type { Close, CloseEnd, CloseStart } from "../close.ts";
import { closeTimeout } from "../engine-errors.ts";
import { Patience } from "../patience.ts";

/**
 * A close on the native wire: the peer acknowledges what was written before it, and answers with its own.
 * Source: spec/protocol.md, "Native close".
 */
export class NativeClose implements Close {
  readonly isHeld = false;
  readonly allHasLeft = false;
  readonly #closeTimeoutMs: number;
  readonly #patience: Patience;

  constructor({ now, queuedBytes, closeTimeoutMs }: CloseStart) {
    this.#closeTimeoutMs = closeTimeoutMs;
    this.#patience = new Patience(closeTimeoutMs, { amount: queuedBytes, now });
  }

  get at(): number {
    return this.#patience.at;
  }

  /** A peer that still consumes what was written, and not too slowly, does not hang. */
  progressed({ queuedBytes, now }: Parameters<Close["progressed"]>[0]): void {
    this.#patience.left(queuedBytes, now);
  }

  handleTimeout(): CloseEnd {
    return { error: closeTimeout(this.#closeTimeoutMs) };
  }
}
