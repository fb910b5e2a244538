import { Duplex } from "node:stream";
import { carriedBy, type EventCarrier } from "../contract/event-carrier.ts";
import type { NatsMessage } from "./connection.ts";
import { decodeFrame, encodeFrame, type Frame, frameHeadBytes, type Kind, kinds } from "./frame.ts";

type Callback = (error?: Error | null) => void;

/** How many bytes may be on the way, or unread at the other end. NATS drops a connection for which too much waits. */
export const windowBytes = 1_048_576;

/** What a stream stands on. */
export interface StreamWire {
  /** Where this end hears. */
  readonly own: string;
  readonly maxPayload: number;
  readonly events?: EventCarrier | undefined;
  publish(subject: string, payload: Uint8Array, reply: string): void;
  /** The stream is over. */
  released(): void;
}

/**
 * A duplex stream over a pair of subjects. Messages are numbered: NATS loses some when a connection breaks or somebody is too
 * slow, and a number that is missing breaks the stream. If nobody hears the other subject any more, NATS says so at once.
 */
export class NatsStream extends Duplex {
  /** By which events of contracts go that are for many: see src/contract/event-carrier.ts. */
  readonly [carriedBy]: EventCarrier | undefined;
  readonly #wire: StreamWire;
  #peer: string | undefined;
  #sent = 0;
  #sentBytes = 0;
  #readByPeer = 0;
  #received = 0;
  #receivedBytes = 0;
  #toldRead = 0;
  /** What waits for room, or for the other end to be known. */
  #waiting: (() => void) | undefined;

  constructor(wire: StreamWire, peer?: string) {
    super({ allowHalfOpen: true, readableHighWaterMark: windowBytes });
    this.#wire = wire;
    this.#peer = peer;
    this[carriedBy] = wire.events;
    // It may break before anybody has it to listen to.
    this.on("error", () => {});
  }

  /** The other end is known. */
  join(peer: string): void {
    this.#peer = peer;
    this.#goOn();
  }

  /** A message for this end. */
  arrived({ data, headers }: Pick<NatsMessage, "data" | "headers">): void {
    if (this.destroyed) return;
    if (headers?.code === noResponders) {
      this.#broken("nobody hears the other end any more", "ECONNRESET");
      return;
    }
    const frame = decodeFrame(data);
    if (frame === undefined || !this.#accepts(frame))
      this.#broken("a message came that is none of this protocol");
  }

  override _read(): void {}

  /** Overridden because `_read` is not called again until something comes, for which the other end may be waiting. */
  override read(size?: number): unknown {
    const chunk: unknown = super.read(size);
    this.#tellRead();
    return chunk;
  }

  #tellRead(): void {
    const read = (this.#receivedBytes - this.readableLength) >>> 0;
    if ((read - this.#toldRead) >>> 0 < windowBytes / 4) return;
    this.#toldRead = read;
    this.#publish(kinds.read, read);
  }

  override _write(chunk: Uint8Array, _encoding: string, callback: Callback): void {
    this.#send(chunk, callback);
  }

  override _final(callback: Callback): void {
    this.#whenReady(() => {
      this.#publish(kinds.end, this.#sent);
      callback();
    });
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.#waiting = undefined;
    this.#publish(kinds.gone, 0);
    this.#wire.released();
    callback(error);
  }

  #send(chunk: Uint8Array, callback: Callback): void {
    this.#whenReady(() => {
      const part = chunk.subarray(0, Math.min(this.#wire.maxPayload - frameHeadBytes, windowBytes / 4));
      this.#publish(kinds.data, this.#sent, part);
      this.#sent = (this.#sent + 1) >>> 0;
      this.#sentBytes = (this.#sentBytes + part.length) >>> 0;
      if (part.length === chunk.length) callback();
      else this.#send(chunk.subarray(part.length), callback);
    });
  }

  get #hasRoom(): boolean {
    return this.#peer !== undefined && (this.#sentBytes - this.#readByPeer) >>> 0 < windowBytes;
  }

  #whenReady(act: () => void): void {
    if (this.#hasRoom) act();
    else this.#waiting = act;
  }

  #goOn(): void {
    if (!this.#hasRoom) return;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }

  /** Returns whether it is a frame that may come now. */
  #accepts({ kind, number, bytes }: Frame): boolean {
    switch (kind) {
      case kinds.data:
        return this.#acceptsData(number, bytes);
      case kinds.end:
        if (number !== this.#received) this.#broken("messages are missing before its end", "ECONNRESET");
        else this.push(null);
        return true;
      case kinds.gone:
        this.#broken("the other end is gone", "ECONNRESET");
        return true;
      case kinds.read:
        if ((this.#sentBytes - number) >>> 0 > windowBytes * 2) return false;
        this.#readByPeer = number;
        this.#goOn();
        return true;
      default:
        return false;
    }
  }

  #acceptsData(number: number, bytes: Uint8Array): boolean {
    if (number !== this.#received) {
      this.#broken(`message ${number} came, and ${this.#received} was next`, "ECONNRESET");
      return true;
    }
    if (this.readableEnded || this.readableLength + bytes.length > windowBytes * 2) return false;
    this.#received = (number + 1) >>> 0;
    this.#receivedBytes = (this.#receivedBytes + bytes.length) >>> 0;
    if (bytes.length > 0) this.push(bytes);
    this.#tellRead();
    return true;
  }

  #publish(kind: Kind, number: number, bytes?: Uint8Array): void {
    if (this.#peer === undefined) return;
    try {
      this.#wire.publish(
        this.#peer,
        encodeFrame(kind, number, bytes),
        kind === kinds.gone ? "" : this.#wire.own,
      );
    } catch (error) {
      // The connection to NATS is closed.
      if (!this.destroyed) this.destroy(error as Error);
    }
  }

  #broken(reason: string, code?: string): void {
    this.destroy(Object.assign(new Error(`the stream over NATS broke: ${reason}`), code && { code }));
  }
}

/** The status by which NATS says that nobody has subscribed to a subject. */
const noResponders = 503;
