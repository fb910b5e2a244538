import { type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";
import type { Address } from "./address.ts";
import type { Watch } from "./transport.ts";

/**
 * Calls `changed` when something appears at an address, disappears or changes there, by watching its directory. Never
 * keeps the process alive. If the system does not allow the directory to be watched, or the directory is gone, the
 * watch is not open.
 */
export class AddressWatch implements Watch {
  #watcher: FSWatcher | undefined;

  constructor(address: Address, changed: () => void) {
    const directory = dirname(address.path);
    const name = basename(address.path);
    const directoryName = basename(directory);
    try {
      this.#watcher = watch(directory, { persistent: false }, (_event, changedName) => {
        // On some platforms an event may have no name.
        if (changedName === name || changedName === null) changed();
        // The directory itself is gone, and one that replaces it would not be watched.
        else if (changedName === directoryName) this.close();
      });
      this.#watcher.on("error", () => this.close());
    } catch {
      // The system has no watch left, or the directory cannot be read.
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
