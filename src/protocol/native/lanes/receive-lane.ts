import { PeerError } from "../../../errors.ts";
import { maxRecordBytes } from "../wire/frame.ts";
import { frameOverheadBytes } from "../wire/lanes.ts";

/** Consumed bytes are acknowledged once they are this many, or a quarter of a smaller window. */
const maxUnacknowledgedBytes = 262_144;
/** Fewer bytes are not worth a frame, even in a record that is sent anyway. The timer acknowledges them. */
const notableBytes = 8_192;

/** The weight of a record full of the smallest frames that a lane can have: empty messages, of eight bytes each. */
const maxRecordWeight = maxRecordBytes + (maxRecordBytes / 8) * frameOverheadBytes;

/**
 * The peer of a {@link SendLane}: how far its frames have arrived, and how far the application has consumed them.
 *
 * Source: spec/protocol.md, "Lanes".
 */
export class ReceiveLane {
  readonly #window: number;
  #received = 0;
  #consumed = 0;
  #acknowledged = 0;
  #lastWeight = 0;
  /** The number of messages or requests that have arrived and are not consumed. */
  #unconsumed = 0;

  constructor(window: number) {
    this.#window = window;
  }

  /** The position after everything that has arrived. */
  get received(): number {
    return this.#received;
  }

  /** The position before which everything is consumed. */
  get consumed(): number {
    return this.#consumed;
  }

  /** The weight of everything that has arrived and is not consumed. */
  get unconsumedBytes(): number {
    return this.#received - this.#consumed;
  }

  /** Whether unconsumed bytes fill the window: the peer must send no more. */
  get isFull(): boolean {
    return this.unconsumedBytes >= this.#window;
  }

  get allConsumed(): boolean {
    return this.#unconsumed === 0;
  }

  /** Whether something is consumed and not acknowledged. */
  get hasNews(): boolean {
    return this.#consumed > this.#acknowledged;
  }

  /** Whether that is enough to acknowledge it in a record that is sent anyway. */
  get hasNotableNews(): boolean {
    return this.#consumed - this.#acknowledged >= notableBytes;
  }

  /** Whether that is so much that the peer may soon have to wait for its acknowledgement. */
  get hasUrgentNews(): boolean {
    return this.#consumed - this.#acknowledged >= Math.min(this.#window / 4, maxUnacknowledgedBytes);
  }

  /** A frame of `frameBytes` bytes, header included, has arrived. @throws PeerError `ERR_WINDOW_EXCEEDED` */
  receive(frameBytes: number): void {
    this.#lastWeight = frameBytes + frameOverheadBytes;
    this.#received += this.#lastWeight;
    // The last record may exceed the window: a sender stops only after it.
    if (this.#received - this.#consumed > this.#window + maxRecordWeight) {
      throw new PeerError(
        "ERR_WINDOW_EXCEEDED",
        `the peer sent ${this.#received - this.#consumed} bytes that are not consumed yet; the window is ${this.#window}`,
      );
    }
    if (this.#unconsumed === 0) this.#consumed = this.#received;
  }

  /** The application will consume what has just arrived. Returns its position, for {@link consume}. */
  hold(): number {
    if (this.#unconsumed === 0) this.#consumed = this.#received - this.#lastWeight;
    this.#unconsumed += 1;
    return this.#received;
  }

  /**
   * The application has consumed everything up to this position. It consumes in the order of arrival, except that a
   * listener may read the next message before it returns, so a position may be lower than the last: the acknowledged
   * position never goes back.
   */
  consume(position: number): void {
    this.#unconsumed -= 1;
    this.#consumed = this.#unconsumed === 0 ? this.#received : Math.max(this.#consumed, position);
  }

  /** Everything consumed counts as acknowledged to the peer. Returns its position. */
  acknowledge(): number {
    this.#acknowledged = this.#consumed;
    return this.#consumed;
  }

  /** The last acknowledgement may not have reached the peer. */
  forgetAcknowledged(): void {
    this.#acknowledged = 0;
  }
}
