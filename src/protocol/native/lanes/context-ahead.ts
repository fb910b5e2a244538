import { readUint32 } from "../../integers.ts";
import type { TraceContext } from "../../session.ts";
import { invalidFrame } from "../wire/frame.ts";
import { decodeContext } from "../wire/trace-context.ts";

/**
 * The context that has arrived in a lane and belongs to the request or the stream whose first frame is the next.
 *
 * Source: spec/protocol.md, "Context".
 */
export class ContextAhead {
  readonly #isAgreed: boolean;
  #ahead: { readonly id: number; readonly context: TraceContext } | undefined;

  /** `isAgreed`: whether both ends have the feature. */
  constructor(isAgreed: boolean) {
    this.#isAgreed = isAgreed;
  }

  /** @throws PeerError `ERR_FRAME_INVALID` */
  arrived(body: Uint8Array): undefined {
    if (!this.#isAgreed) throw invalidFrame("a context, which was not agreed on");
    this.checkNone();
    this.#ahead = { id: readUint32(body, 0), context: decodeContext(body.subarray(4)) };
  }

  /** The context of what that id begins, if it has one. @throws PeerError `ERR_FRAME_INVALID` if it is another's */
  take(id: number): TraceContext | undefined {
    const ahead = this.#ahead;
    if (ahead === undefined) return undefined;
    if (ahead.id !== id) throw invalidFrame(`a context for ${ahead.id}, and then something else`);
    this.#ahead = undefined;
    return ahead.context;
  }

  /** @throws PeerError `ERR_FRAME_INVALID` if the next frame has to be a first one */
  checkNone(): void {
    if (this.#ahead === undefined) return;
    throw invalidFrame(`a context for ${this.#ahead.id}, and then something else`);
  }
}
