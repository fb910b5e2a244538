import type { Duplex } from "node:stream";
import { isUint8Array } from "node:util/types";
import { type Handle, setReferenced } from "./referenced.ts";
import { isError, messageOf } from "./system-errors.ts";
import { clearTimeout, setImmediate, setTimeout } from "./timers.ts";
import type { Transport, TransportHandler } from "./transport.ts";
import { checkUsable } from "./usable-duplex.ts";

/** How long a duplex that was destroyed may take to close, in milliseconds: a command has to end first. */
const closePatienceMs = 3_000;

/** How long one may take to say that its end has left, once everything else has, in milliseconds. */
const finishPatienceMs = 1_000;

/**
 * Any duplex stream of Node's as a transport. Nothing is known of who made it, so that nothing is expected of it but to
 * carry bytes: what is written is copied, as a stream may keep it after it has called back; what arrives is copied, as
 * its maker may reuse the memory; and whatever it throws, or fails to do, ends this connection alone.
 */
export class DuplexTransport implements Transport {
  readonly #duplex: Duplex;
  #handler: TransportHandler | undefined;
  #error: Error | undefined;
  /** What arrived before `start`, in {@link heard}. */
  #early: Uint8Array[] = [];
  #heard: (() => void) | undefined;
  #isReading = false;
  #paused = false;
  #pendingBytes = 0;
  #endedHere = false;
  /** The duplex is destroyed, or has failed. */
  #destroyed = false;
  /** It is the holder of this transport that has dropped it. */
  #destroyedHere = false;
  /** It is closed, or has taken too long to. */
  #isGone = false;
  #patience: NodeJS.Timeout | undefined;

  /** @throws CallerError `ERR_INVALID_ARGUMENT` for what is no duplex, or is used already. */
  constructor(duplex: Duplex) {
    checkUsable(duplex);
    this.#duplex = duplex;
    // Never removed: an error that comes after the end must not become an uncaught exception.
    duplex.on("error", (error) => this.#failed(error));
    duplex.once("close", () => this.#gone());
  }

  get duplex(): Duplex {
    return this.#duplex;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /**
   * Begins to read before `start`, for a peer that speaks first. Resolves once it has said something, which waits for
   * `start`, or will not any more.
   */
  async heard(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#heard = resolve;
      this.#read();
      if (this.#isGone) resolve();
    });
    this.#heard = undefined;
  }

  /** Whether something arrived that waits for `start`. */
  get hasHeard(): boolean {
    return this.#early.length > 0;
  }

  /** Why the duplex failed, if it did. */
  get error(): Error | undefined {
    return this.#error;
  }

  start(handler: TransportHandler): void {
    this.#paused = false;
    if (this.#isGone) {
      process.nextTick(() => this.#tellGone(handler));
      return;
    }
    this.#handler = handler;
    this.#read();
    process.nextTick(() => this.#flow());
  }

  write(parts: readonly Uint8Array[]): boolean {
    const duplex = this.#duplex;
    // One without half-closes has ended its writing side by itself: what is written is lost, as on a pipe.
    if (this.#destroyed || this.#isGone || duplex.writableEnded) return false;
    const bytes = Buffer.concat(parts);
    let isPending = true;
    this.#pendingBytes += bytes.length;
    this.#guard(() => {
      duplex.write(bytes, (error) => {
        if (error || !isPending || this.#isGone) return;
        isPending = false;
        this.#pendingBytes -= bytes.length;
        if (this.#pendingBytes > 0 || this.#destroyed) return;
        this.#handler?.drained();
        this.#destroyOnceOver();
      });
    });
    return false;
  }

  pause(): void {
    this.#paused = true;
    this.#guard(() => this.#duplex.pause());
  }

  resume(): void {
    this.#paused = false;
    this.#flow();
  }

  end(): void {
    if (this.#endedHere || this.#destroyed) return;
    this.#endedHere = true;
    this.#guard(() => this.#duplex.end());
    this.#destroyOnceOver();
  }

  endAndDestroy(): void {
    this.end();
    if (this.#duplex.writableFinished) this.destroy();
    else this.#guard(() => this.#duplex.once("finish", () => this.destroy()));
  }

  destroy(): void {
    if (this.#destroyed || this.#isGone) return;
    this.#destroyedHere = true;
    this.#destroy();
  }

  #destroy(): void {
    if (this.#destroyed || this.#isGone) return;
    this.#destroyed = true;
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => this.#gone(), closePatienceMs);
    try {
      this.#duplex.destroy();
    } catch (error) {
      this.#error ??= asError(error);
      setImmediate(() => this.#gone());
    }
  }

  /** As far as the duplex has `ref` and `unref`, as a socket has. */
  setReferenced(referenced: boolean): void {
    const handle = this.#duplex as Duplex & Partial<Handle>;
    if (typeof handle.ref !== "function" || typeof handle.unref !== "function") return;
    this.#guard(() => setReferenced(handle as Handle, referenced));
  }

  #read(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    const duplex = this.#duplex;
    this.#guard(() => {
      duplex.once("end", () => this.#peerEnded());
      duplex.once("finish", () => this.#destroyOnceOver());
      duplex.on("data", (chunk: unknown) => this.#arrived(chunk));
    });
  }

  #arrived(chunk: unknown): void {
    if (this.#destroyed || this.#isGone) return;
    if (!isUint8Array(chunk)) {
      this.#failed(new Error(`the transport gave ${typeof chunk} instead of bytes`));
      return;
    }
    if (chunk.length === 0) return;
    const own = new Uint8Array(chunk);
    if (this.#handler === undefined || this.#early.length > 0) this.#early.push(own);
    else this.#handler.chunk(own);
    if (this.#heard === undefined) return;
    this.pause();
    this.#heard();
  }

  #flow(): void {
    const handler = this.#handler;
    while (!this.#paused && handler === this.#handler && this.#early.length > 0) {
      handler?.chunk(this.#early.shift() as Uint8Array);
    }
    if (this.#paused || this.#destroyed || this.#isGone) return;
    this.#guard(() => this.#duplex.resume());
  }

  #peerEnded(): void {
    if (this.#destroyed || this.#isGone) return;
    this.#heard?.();
    this.#handler?.ended();
    this.#destroyOnceOver();
  }

  /**
   * Most streams do so by themselves once both sides have ended, but `autoDestroy` may be off; and some never finish if what
   * they stand on has gone, as WebSockets.
   */
  #destroyOnceOver(): void {
    const { readableEnded, writableFinished } = this.#duplex;
    if (!readableEnded || this.#patience !== undefined) return;
    if (writableFinished) setImmediate(() => this.#destroy());
    else if (this.#endedHere && this.#pendingBytes === 0)
      this.#patience = setTimeout(() => this.#destroy(), finishPatienceMs);
  }

  /** The duplex failed, and may or may not close by itself. */
  #failed(error: unknown): void {
    if (this.#isGone) return;
    this.#error ??= asError(error);
    this.#destroy();
  }

  #gone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    clearTimeout(this.#patience);
    this.#heard?.();
    const handler = this.#handler;
    this.#handler = undefined;
    if (handler !== undefined) this.#tellGone(handler);
  }

  #tellGone(handler: TransportHandler): void {
    if (!this.#destroyedHere) for (const chunk of this.#early.splice(0)) handler.chunk(chunk);
    handler.closed(this.#destroyedHere ? undefined : this.#error);
  }

  #guard(act: () => unknown): void {
    try {
      act();
    } catch (error) {
      this.#failed(error);
    }
  }
}

function asError(error: unknown): Error {
  return isError(error) ? error : new Error(messageOf(error), { cause: error });
}
