import { SystemError } from "../errors.ts";
import type { Address } from "./address.ts";
import { type BoundSocket, bindSocket } from "./bound-socket.ts";
import { identify, isSame } from "./file-identity.ts";
import { setReferenced } from "./referenced.ts";
import { removeFromAddress } from "./socket-file.ts";
import { clearTimeout, setTimeout } from "./timers.ts";
import type { Listener, ListenOptions } from "./transport.ts";

/**
 * Looks now and then whether its socket still lies at its address. One that has vanished is put back, as a new socket:
 * the old one has no name any more by which it could be linked. One that has made way for another is not.
 */
export class UnixSocketListener implements Listener {
  readonly #address: Address;
  readonly #options: ListenOptions;
  #bound: BoundSocket;
  #referenced = true;
  #timer: NodeJS.Timeout | undefined;
  #look: Promise<void> = Promise.resolve();
  /** That the address is lost was told, and it has not been ours since. */
  #told = false;
  #closing: Promise<void> | undefined;

  constructor(address: Address, options: ListenOptions, bound: BoundSocket) {
    this.#address = address;
    this.#options = options;
    this.#bound = bound;
    this.#lookLater();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  setReferenced(referenced: boolean): void {
    this.#referenced = referenced;
    setReferenced(this.#bound.server, referenced);
  }

  async #close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#look;
    const { server, identity } = this.#bound;
    try {
      // The name first, so that no one connects to a server that is about to be gone, and so that the identity still
      // says something: once the server is closed, the system may give the same inode to another's socket.
      removeFromAddress(this.#address, identity);
    } finally {
      server.close();
    }
  }

  #lookLater(): void {
    const { addressCheckIntervalMs = 0 } = this.#options;
    if (addressCheckIntervalMs === 0 || this.#closing !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#look = this.#keepAddress().then(() => this.#lookLater());
    }, addressCheckIntervalMs);
    this.#timer.unref();
  }

  async #keepAddress(): Promise<void> {
    try {
      const found = await identify(this.#address.path);
      if (found === undefined) await this.#putBack();
      else if (!isSame(found, this.#bound.identity)) throw new Error("something else lies there now");
      this.#told = false;
    } catch (error) {
      if (!this.#told) this.#options.failed(addressLost(this.#address, error as Error));
      this.#told = true;
    }
  }

  async #putBack(): Promise<void> {
    // Whatever has come there meanwhile is not ours to judge: nothing is replaced.
    const next = await bindSocket(this.#address, { ...this.#options, isAlive: async () => true });
    this.#bound.server.close();
    this.#bound = next;
    setReferenced(next.server, this.#referenced);
  }
}

function addressLost(address: Address, cause: Error): SystemError {
  return new SystemError(
    "ERR_ADDRESS_LOST",
    `new clients cannot reach the server: its socket ${address.path} is gone, and was not put back: ${cause.message}`,
    { cause },
  );
}
