/** A stream that is not over, as far as its frames go. Positions are weights, from its opening. */
export class Stream {
  readonly id: number;
  /** Whether this end opened it. */
  readonly isOwn: boolean;
  /** How far items are in the lane, and how far the peer's application has consumed them. */
  sent = 0;
  peerConsumed = 0;
  /** Items for which there was no credit: copies. */
  readonly waiting: Uint8Array[] = [];
  /** The application wants to end, with what waits. */
  isEnding = false;
  hasEnded = false;
  /** A writer waits for credit. */
  isHeld = false;
  /** How far the peer's items have arrived, our application has consumed them, and the peer has been told so. */
  received = 0;
  consumed = 0;
  credited = 0;
  peerHasEnded = false;
  /** We have asked the peer to end: what still comes is dropped. */
  isStopped = false;

  constructor(id: number, isOwn: boolean) {
    this.id = id;
    this.isOwn = isOwn;
  }

  get isOver(): boolean {
    return this.hasEnded && this.peerHasEnded;
  }
}
