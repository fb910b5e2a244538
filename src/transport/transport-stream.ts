import { Duplex } from "node:stream";
import type { Transport } from "./transport.ts";

type Callback = (error?: Error | null) => void;

/** A transport as a duplex stream. */
export class TransportStream extends Duplex {
  readonly #transport: Transport;
  #written: Callback | undefined;
  #isReading = false;

  /** `transport` has not been started. */
  constructor(transport: Transport) {
    super({ allowHalfOpen: true });
    this.#transport = transport;
  }

  override _construct(callback: Callback): void {
    callback();
    this.#transport.start({
      chunk: (chunk) => {
        if (!this.push(chunk)) this.#pause();
      },
      ended: () => this.push(null),
      drained: () => this.#drained(),
      closed: (error) => this.destroy(error),
    });
    this.#pause();
  }

  override _read(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    this.#transport.resume();
  }

  override _write(chunk: Uint8Array, _encoding: string, callback: Callback): void {
    this.#written = callback;
    if (this.#transport.write([chunk])) this.#drained();
  }

  override _final(callback: Callback): void {
    this.#transport.end();
    callback();
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.#transport.destroy();
    callback(error);
  }

  ref(): void {
    this.#transport.setReferenced(true);
  }

  unref(): void {
    this.#transport.setReferenced(false);
  }

  #pause(): void {
    this.#isReading = false;
    this.#transport.pause();
  }

  #drained(): void {
    const written = this.#written;
    this.#written = undefined;
    written?.();
  }
}
