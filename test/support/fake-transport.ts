import type { Transport, TransportHandler } from "#dist/transport/transport.js";
import { concat } from "./bytes.ts";

/** A transport whose other end is the test: nothing leaves, arrives or closes unless the test has it do so. */
export class FakeTransport implements Transport {
  /** The calls other than `write`, in order. */
  readonly calls: string[] = [];
  readonly writes: Uint8Array[] = [];
  /** Whether what is written stays pending until {@link drain}. */
  stuck = false;
  pendingBytes = 0;
  #handler: TransportHandler | undefined;

  start(handler: TransportHandler): void {
    this.#handler = handler;
  }

  write(parts: readonly Uint8Array[]): boolean {
    const bytes = concat(...parts);
    this.writes.push(bytes);
    if (this.stuck) this.pendingBytes += bytes.length;
    return !this.stuck;
  }

  pause(): void {
    this.calls.push("pause");
  }

  resume(): void {
    this.calls.push("resume");
  }

  end(): void {
    this.calls.push("end");
  }

  endAndDestroy(): void {
    this.calls.push("endAndDestroy");
  }

  destroy(): void {
    this.calls.push("destroy");
  }

  setReferenced(referenced: boolean): void {
    this.calls.push(referenced ? "ref" : "unref");
  }

  get handler(): TransportHandler {
    if (this.#handler === undefined) throw new Error("it was not started");
    return this.#handler;
  }

  /** Lets all that is pending leave. */
  drain(): void {
    this.pendingBytes = 0;
    this.handler.drained();
  }

  /** What was written since the last time, as one. */
  takeWritten(): Uint8Array {
    return concat(...this.writes.splice(0));
  }
}
