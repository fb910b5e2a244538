import { type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";
import type { Address } from "./address.ts";
import type { Watch } from "./transport.ts";

/**
 * Tells when something comes to an address, goes or changes there, by the directory that it is in. Never keeps the process
 * alive. If the system does not let the directory be watched, or the directory is gone, it is not open.
 */
export class AddressWatch implements Watch {
  #watcher: FSWatcher | undefined;

  constructor(address: Address, changed: () => void) {
    const directory = dirname(address.path);
    const name = basename(address.path);
    const directoryName = basename(directory);
    try {
      this.#watcher = watch(directory, { persistent: false }, (_event, changedName) => {
        // Of some platforms' events nobody knows what they are about.
        if (changedName === name || changedName === null) changed();
        // The directory itself is gone, and what takes its place is not watched.
        else if (changedName === directoryName) this.close();
      });
      this.#watcher.on("error", () => this.close());
    } catch {
      // None is left of what the system has for this, or the directory cannot be read.
    }
  }

  get isOpen(): boolean {
    return this.#watcher !== undefined;
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}
