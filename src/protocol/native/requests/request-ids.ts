import { PeerError } from "../../../errors.ts";
import { IdMap } from "../../id-map.ts";
import { EarlyCancels } from "./early-cancels.ts";

// The ids of requests. Source: spec/protocol.md, "Requests".

export const maxRequestId = 0xffff_ffff;

/**
 * The ids of this end's requests: chosen here, and in use until the answer has arrived or the request is cancelled.
 */
export class OwnRequestIds {
  readonly #unanswered = new IdMap<true>();
  #last: number;

  /** Begins after the id `last`. */
  constructor(last = 0) {
    this.#last = last;
  }

  /** Returns the next free id, which is in use from now on. */
  next(): number {
    do {
      this.#last = this.#last === maxRequestId ? 1 : this.#last + 1;
    } while (this.#unanswered.has(this.#last));
    this.#unanswered.add(this.#last, true);
    return this.#last;
  }

  /** Frees the id. Returns whether it was in use: an answer to a cancelled request may still arrive. */
  settle(id: number): boolean {
    return this.#unanswered.delete(id);
  }
}

/** The ids of the peer's requests: in use until this end has answered, or the peer has cancelled. */
export class PeerRequestIds {
  readonly #unanswered = new IdMap<true>();
  readonly #earlyCancels = new EarlyCancels();

  /**
   * A request has arrived. Returns whether to handle it: its cancel may have overtaken it.
   * @throws PeerError `ERR_FRAME_INVALID`
   */
  arrived(id: number): boolean {
    if (id === 0) throw new PeerError("ERR_FRAME_INVALID", "the peer sent a request with the id 0");
    if (this.#unanswered.has(id)) {
      throw new PeerError(
        "ERR_FRAME_INVALID",
        `the peer sent a request ${id} while one of that id is being handled`,
      );
    }
    if (this.#earlyCancels.arrived(id)) return false;
    this.#unanswered.add(id, true);
    return true;
  }

  /**
   * The peer has cancelled a request. Returns whether it is being handled: the cancel may cross the answer, or be
   * early.
   */
  cancelled(id: number): boolean {
    if (this.#unanswered.delete(id)) return true;
    this.#earlyCancels.add(id);
    return false;
  }

  /** Whether the peer waits for an answer to that request. */
  has(id: number): boolean {
    return this.#unanswered.has(id);
  }

  /** The request is answered. */
  settle(id: number): void {
    this.#unanswered.delete(id);
  }
}
