import { PeerError } from "../../../errors.ts";
import { EarlyCancels } from "./early-cancels.ts";

// The ids that requests are told apart by. Source: spec/protocol.md, "Requests".

export const maxRequestId = 0xffff_ffff;

/** The ids of our own requests: chosen here, and in use until the answer has come or is not wanted any more. */
export class OwnRequestIds {
  readonly #unanswered = new Set<number>();
  #last: number;

  /** `last`: the id after which it begins. */
  constructor(last = 0) {
    this.#last = last;
  }

  /** The next id that is not in use. It is from now on. */
  next(): number {
    do {
      this.#last = this.#last === maxRequestId ? 1 : this.#last + 1;
    } while (this.#unanswered.has(this.#last));
    this.#unanswered.add(this.#last);
    return this.#last;
  }

  /** The id is not in use any more. Whether it was: an answer to a request that was cancelled may still arrive. */
  settle(id: number): boolean {
    return this.#unanswered.delete(id);
  }
}

/** The ids of the peer's requests: in use until we have answered, or the peer has cancelled. */
export class PeerRequestIds {
  readonly #unanswered = new Set<number>();
  readonly #earlyCancels = new EarlyCancels();

  /**
   * A request has arrived. Whether it is to be handled: its cancel may have overtaken it.
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
    this.#unanswered.add(id);
    return true;
  }

  /** The peer has cancelled a request. Whether that is being handled: the cancel may cross the answer, or come early. */
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
