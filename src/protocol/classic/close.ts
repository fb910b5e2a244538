import type { Close, CloseEnd, CloseStart } from "../close.ts";
import { closeTimeout } from "../engine-errors.ts";
import { endGraceMs, settleAfterOpenMs } from "../limits.ts";
import { Patience } from "../patience.ts";

/**
 * A close on the classic wire, which has no frame for it: what was written leaves, then the transport ends, and the
 * peer has a moment to end its side.
 *
 * Source: spec/protocol.md, "Close".
 */
export class ClassicClose implements Close {
  readonly #closeTimeoutMs: number;
  readonly #queuedBytes: number;
  #phase:
    | { readonly kind: "held"; readonly at: number }
    | { readonly kind: "leaving"; readonly patience: Patience }
    | { readonly kind: "left"; readonly at: number };

  constructor({ role, now, openedAt, queuedBytes, closeTimeoutMs }: CloseStart) {
    this.#closeTimeoutMs = closeTimeoutMs;
    this.#queuedBytes = queuedBytes;
    const heldUntil = openedAt + settleAfterOpenMs;
    // A golang-ipc server never notices a client that leaves right after the handshake.
    this.#phase =
      role === "client" && heldUntil > now
        ? { kind: "held", at: heldUntil }
        : this.#leaving(queuedBytes, now);
  }

  get at(): number {
    return this.#phase.kind === "leaving" ? this.#phase.patience.at : this.#phase.at;
  }

  get isHeld(): boolean {
    return this.#phase.kind === "held";
  }

  get allHasLeft(): boolean {
    return this.#phase.kind === "left";
  }

  progressed({ queuedBytes, isEmpty, now }: Parameters<Close["progressed"]>[0]): void {
    if (this.#phase.kind !== "leaving") return;
    if (isEmpty) this.#phase = { kind: "left", at: now + Math.min(this.#closeTimeoutMs, endGraceMs) };
    else this.#phase.patience.left(queuedBytes, now);
  }

  handleTimeout(now: number): CloseEnd | undefined {
    switch (this.#phase.kind) {
      case "held":
        this.#phase = this.#leaving(this.#queuedBytes, now);
        return undefined;
      case "leaving":
        return { error: closeTimeout(this.#closeTimeoutMs) };
      case "left":
        return {};
    }
  }

  #leaving(amount: number, now: number): { readonly kind: "leaving"; readonly patience: Patience } {
    return { kind: "leaving", patience: new Patience(this.#closeTimeoutMs, { amount, now }) };
  }
}
