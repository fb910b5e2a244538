import type { PeerError } from "../errors.ts";

/** The peer's fault, and the last bytes worth sending for it. */
export class HandshakeFailure extends Error {
  readonly error: PeerError;
  readonly lastWords: Uint8Array;

  constructor(error: PeerError, lastWords: Uint8Array) {
    super(error.message);
    this.error = error;
    this.lastWords = lastWords;
  }
}
