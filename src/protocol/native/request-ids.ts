import { PeerError } from "../../errors.ts";

// The ids that requests are told apart by. Source: spec/protocol.md, "Requests".

export const highestRequestId = 0xffff_ffff;

/** The ids that are in use, as the keys of a map or the members of a set. */
export interface UsedIds {
  has(id: number): boolean;
}

/** Gives ids to the requests of one end. */
export class RequestIds {
  #last: number;

  /** `last`: the id after which it begins. */
  constructor(last = 0) {
    this.#last = last;
  }

  /** The next id that is not one of those whose answer is still to come. */
  next(unanswered: UsedIds): number {
    do {
      this.#last = this.#last === highestRequestId ? 1 : this.#last + 1;
    } while (unanswered.has(this.#last));
    return this.#last;
  }
}

/**
 * Holds a peer's request to what the spec says of its id.
 * @throws PeerError `ERR_FRAME_INVALID`
 */
export function checkRequestId(id: number, handled: UsedIds): void {
  if (id === 0) throw new PeerError("ERR_FRAME_INVALID", "the peer sent a request with the id 0");
  if (!handled.has(id)) return;
  throw new PeerError(
    "ERR_FRAME_INVALID",
    `the peer sent a request ${id} while one of that id is being handled`,
  );
}
