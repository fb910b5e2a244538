import { after } from "node:test";
import type { Address } from "#dist/transport/address.js";
import type { Listener, ListenOptions, Transport, TransportProvider } from "#dist/transport/transport.js";

/** A listener that keeps what it accepts until the test asks for it; closed after the test, and all of that with it. */
export class Accepting {
  readonly failures: Error[] = [];
  readonly #accepted: Transport[] = [];
  readonly #all: Transport[] = [];
  #wake: () => void = () => {};
  #listener: Listener | undefined;

  static async listen(
    provider: TransportProvider,
    address: Address,
    options: Partial<ListenOptions> = {},
  ): Promise<Accepting> {
    const accepting = new Accepting();
    accepting.#listener = await provider.listen(address, {
      openToAllUsers: false,
      isAlive: async () => true,
      accepted: (transport) => accepting.#take(transport),
      failed: (error) => accepting.failures.push(error),
      ...options,
    });
    after(async () => {
      await accepting.close().catch(() => {});
      // Not before: the close has let in who had come by then.
      for (const transport of accepting.#all) transport.destroy();
    });
    return accepting;
  }

  async next(): Promise<Transport> {
    for (;;) {
      const transport = this.#accepted.shift();
      if (transport !== undefined) return transport;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async close(): Promise<void> {
    await this.#listener?.close();
  }

  #take(transport: Transport): void {
    this.#accepted.push(transport);
    this.#all.push(transport);
    this.#wake();
  }
}

export const never = new AbortController().signal;
