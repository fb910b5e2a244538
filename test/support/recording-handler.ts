import type { Transport, TransportHandler } from "#dist/transport/transport.js";
import { concat } from "./bytes.ts";

/** Takes what a transport tells and keeps it, in order: what each side of the conformance suite reads with. */
export class RecordingHandler implements TransportHandler {
  /** The names of what was told, chunks as one however many they were. */
  readonly told: string[] = [];
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  closedWith: Error | undefined;
  readonly #waiting = new Set<() => void>();

  /** Starts the transport with a handler of its own. */
  static start(transport: Transport): RecordingHandler {
    const handler = new RecordingHandler();
    transport.start(handler);
    return handler;
  }

  get receivedBytes(): number {
    return this.#bytes;
  }

  get received(): Uint8Array {
    return concat(...this.#chunks);
  }

  chunk(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.told.at(-1) !== "chunk") this.told.push("chunk");
    this.#wake();
  }

  ended(): void {
    this.#tell("ended");
  }

  drained(): void {
    this.#tell("drained");
  }

  closed(error?: Error): void {
    this.closedWith = error;
    this.#tell("closed");
  }

  count(name: string): number {
    return this.told.filter((told) => told === name).length;
  }

  /** Waits until that was told, if it was not yet. */
  async until(name: string): Promise<void> {
    while (!this.told.includes(name)) await this.#next();
  }

  /** The first `count` bytes; waits for them. */
  async receive(count: number): Promise<Uint8Array> {
    while (this.#bytes < count) await this.#next();
    return this.received.subarray(0, count);
  }

  #tell(name: string): void {
    this.told.push(name);
    this.#wake();
  }

  #next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }
}
