import { PeerError } from "../../errors.ts";
import { highestRecordBytes } from "./frame.ts";
import { frameOverheadBytes } from "./send-lane.ts";

/** After so many bytes the peer is told at the latest what was taken, where its window is not smaller. */
const highestUntoldBytes = 262_144;
/** To tell of less, even with what is sent anyway, costs more than it is worth: there is the timer. */
const notableBytes = 8_192;

/** A record of the smallest frames that a lane can have: an empty message has eight bytes. */
const highestRecordWeight = highestRecordBytes + (highestRecordBytes / 8) * frameOverheadBytes;

/**
 * The other end of a {@link SendLane}: how far its frames have arrived, and how far the application has taken them.
 *
 * Source: spec/protocol.md, "Lanes".
 */
export class ReceiveLane {
  readonly #window: number;
  #received = 0;
  #taken = 0;
  #told = 0;
  #lastWeight = 0;
  /** Things that have arrived and that the application has not taken. */
  #untaken = 0;

  constructor(window: number) {
    this.#window = window;
  }

  /** The position behind all that has arrived. */
  get received(): number {
    return this.#received;
  }

  /** The position before which everything is taken. */
  get taken(): number {
    return this.#taken;
  }

  /** The weight of what has arrived and is not taken. */
  get untakenBytes(): number {
    return this.#received - this.#taken;
  }

  /** What waits to be taken fills the window: the peer must send no more. */
  get isFull(): boolean {
    return this.untakenBytes >= this.#window;
  }

  get allTaken(): boolean {
    return this.#untaken === 0;
  }

  /** Something was taken of which the peer does not know. */
  get hasNews(): boolean {
    return this.#taken > this.#told;
  }

  /** Enough was taken to tell it along with something else. */
  get hasNotableNews(): boolean {
    return this.#taken - this.#told >= notableBytes;
  }

  /** So much was taken that the peer should know, or it may have to wait. */
  get hasUrgentNews(): boolean {
    return this.#taken - this.#told >= Math.min(this.#window / 4, highestUntoldBytes);
  }

  /** A frame of so many bytes, its header included. @throws PeerError `ERR_WINDOW_EXCEEDED` */
  receive(frameBytes: number): void {
    this.#lastWeight = frameBytes + frameOverheadBytes;
    this.#received += this.#lastWeight;
    // The last record may reach behind the window, which says when to stop.
    if (this.#received - this.#taken > this.#window + highestRecordWeight) {
      throw new PeerError(
        "ERR_WINDOW_EXCEEDED",
        `the peer sent ${this.#received - this.#taken} bytes that are not taken yet; the window is ${this.#window}`,
      );
    }
    if (this.#untaken === 0) this.#taken = this.#received;
  }

  /** What has just been received is for the application to take; the mark is for {@link take}. */
  hold(): number {
    if (this.#untaken === 0) this.#taken = this.#received - this.#lastWeight;
    this.#untaken += 1;
    return this.#received;
  }

  /**
   * The application has taken what has that mark. It takes in the order in which things arrived, but for a listener that
   * reads the next before it has returned: what was told is never taken back.
   */
  take(mark: number): void {
    this.#untaken -= 1;
    this.#taken = this.#untaken === 0 ? this.#received : Math.max(this.#taken, mark);
  }

  /** The peer is told of everything that is taken. */
  tell(): number {
    this.#told = this.#taken;
    return this.#taken;
  }

  /** What the peer was told may not have reached it. */
  forgetTold(): void {
    this.#told = 0;
  }
}
