import { SystemError } from "../errors.ts";
import type { Address } from "./address.ts";
import { type BoundSocket, bindSocket } from "./bound-socket.ts";
import { identifyNow, isSame } from "./file-identity.ts";
import { holdIfThere } from "./private-directory.ts";
import { setReferenced } from "./referenced.ts";
import { removeFromAddress } from "./socket-file.ts";
import { clearTimeout, setTimeout } from "./timers.ts";
import type { Listener, ListenOptions } from "./transport.ts";

/**
 * Checks from time to time that its socket is still at its address. If it has vanished, a new socket is put there,
 * because the old one has no path left by which it could be linked. If another file has replaced it, that stays.
 */
export class UnixSocketListener implements Listener {
  readonly #address: Address;
  readonly #options: ListenOptions;
  #bound: BoundSocket;
  #referenced = true;
  #timer: NodeJS.Timeout | undefined;
  #look: Promise<void> = Promise.resolve();
  /** The loss of the address has been reported, and the address has not been ours since. */
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
      // The file first: nobody connects to a server that is about to end, and the identity is still valid: once the
      // server is closed, the system may reuse the inode for another socket.
      this.#held((address) => removeFromAddress(address, identity));
    } finally {
      server.close();
    }
  }

  /** `undefined` if its private directory is gone. */
  #held<T>(act: (address: Address) => T): T | undefined {
    const hold = holdIfThere(this.#address);
    if (hold === undefined) return undefined;
    try {
      return act(hold.address);
    } finally {
      hold.release();
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
      const found = this.#held(({ path }) => identifyNow(path));
      if (found === undefined) await this.#putBack();
      else if (!isSame(found, this.#bound.identity)) throw new Error("something else is there now");
      this.#told = false;
    } catch (error) {
      if (!this.#told) this.#options.failed(addressLost(this.#address, error as Error));
      this.#told = true;
    }
  }

  async #putBack(): Promise<void> {
    // `isAlive` is true, so that nothing which has appeared there meanwhile is replaced.
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
