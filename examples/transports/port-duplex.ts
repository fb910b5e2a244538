import { Duplex } from "node:stream";
import type { MessagePort } from "node:worker_threads";

/**
 * One end of a `MessageChannel` as a duplex stream. A port has no flow control of its own: each chunk is answered by an empty
 * message once it is read, and only then comes the next.
 */
export class PortDuplex extends Duplex {
  readonly #port: MessagePort;
  #written: (() => void) | undefined;
  #readBack = false;

  constructor(port: MessagePort) {
    super();
    this.#port = port;
    port.on("message", (message: Uint8Array | "read" | "end") => this.#arrived(message));
    port.on("close", () => this.destroy());
  }

  override _write(chunk: Uint8Array, _encoding: string, callback: () => void): void {
    this.#written = callback;
    this.#port.postMessage(chunk);
  }

  override _final(callback: () => void): void {
    this.#port.postMessage("end");
    callback();
  }

  override _read(): void {
    if (!this.#readBack) return;
    this.#readBack = false;
    this.#port.postMessage("read");
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#port.close();
    callback(error);
  }

  ref(): void {
    this.#port.ref();
  }

  unref(): void {
    this.#port.unref();
  }

  #arrived(message: Uint8Array | "read" | "end"): void {
    if (message === "read") {
      this.#written?.();
    } else if (message === "end") {
      this.push(null);
    } else {
      this.#readBack = true;
      if (this.push(message)) this._read();
    }
  }
}
