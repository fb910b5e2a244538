import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { type ClientOptions, type Server, startClient, startServer } from "../index.ts";

/** Where the sockets of a name are. */
export type Place = Pick<ClientOptions, "directory" | "privateDirectory">;

/** Long enough that a process that keeps the lock from being taken does not keep this one busy. */
const pauseMs = 20;

/**
 * The right to start or to replace what serves a name: of any number of processes one has it, and if that is killed, the next. It is a server
 * with a name of its own, so that all that holds for names holds for it.
 */
export class StartLock {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** `undefined` if another has it. @throws As `startServer`, but not `ERR_ADDRESS_IN_USE`. */
  static async take(name: string, place: Place): Promise<StartLock | undefined> {
    try {
      return new StartLock(await startServer(lockName(name), { ...place, profile: "native" }));
    } catch (error) {
      if ((error as { code?: string }).code !== "ERR_ADDRESS_IN_USE") throw error;
      return undefined;
    }
  }

  /** Waits while another has it. @throws The signal's reason. */
  static async untilReleased(name: string, place: Place, signal: AbortSignal): Promise<void> {
    try {
      const client = await startClient(lockName(name), { ...place, profile: "native", retry: false, signal });
      try {
        await once(client, "close", { signal });
      } finally {
        await client.close();
      }
    } catch {
      // It has been released meanwhile, or is not ours to wait for; the next try to take it shows that.
      await delay(pauseMs, undefined, { signal }).catch(() => {});
    }
    signal.throwIfAborted();
  }

  async release(): Promise<void> {
    await this.#server.close();
  }
}

function lockName(name: string): string {
  return `${name}.start`;
}
