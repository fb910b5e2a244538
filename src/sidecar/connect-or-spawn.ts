import { setTimeout as delay } from "node:timers/promises";
import { type Client, createClient, SystemError } from "../index.ts";
import { attempt } from "./attempt.ts";
import { type Command, ended, exitText } from "./child-process.ts";
import {
  type ConnectOrSpawnOptions,
  type ParsedDaemonOptions,
  parseDaemonOptions,
} from "./daemon-options.ts";
import { DaemonProcess } from "./daemon-process.ts";
import { mismatchOf } from "./expectation.ts";
import { checkCommand } from "./options.ts";
import { OutOfPatience, Patience, steps } from "./patience.ts";
import { endServer, isToBeReplaced } from "./replace-server.ts";
import { Restarts } from "./restarts.ts";
import { type Place, StartLock } from "./start-lock.ts";

/**
 * Connects to the server of that name, and starts the program if there is none. Of any number of callers at the same instant one starts it.
 * The program goes on when this one ends. If it ends while the client is open, it is started again.
 *
 * Platform: an old version can be ended by signals on Linux alone; elsewhere it can only be asked.
 *
 * @param name As of `startClient`; with `.start` added it is a name, too, while the program starts.
 * @param command The program, which serves the name, as by `daemon`. It is detached, without stdin, and its output goes to `log`.
 * @throws SystemError `ERR_SIDECAR_ENDED` if it ended before it was ready, `ERR_SIDECAR_TIMEOUT`; PeerError `ERR_SIDECAR_MISMATCH`,
 *   `ERR_DAEMON_STAYS`; as `startClient`; CallerError `ERR_INVALID_ARGUMENT`, `ERR_INVALID_OPTION`; the signal's reason.
 */
export async function connectOrSpawn(
  name: string,
  command: string,
  args: readonly string[] = [],
  options: ConnectOrSpawnOptions = {},
): Promise<Client> {
  checkCommand(command, args);
  const parsed = parseDaemonOptions(options);
  const client = createClient(name, { retryDelayMs: 10, maxRetryDelayMs: 500, ...parsed.client });
  const daemon = new SharedDaemon(client, { command, args: [...args] }, parsed);
  try {
    await daemon.ensure(parsed.signal);
  } catch (error) {
    client.destroy(error as Error);
    await client.close();
    throw error;
  }
  daemon.keep();
  return client;
}

/** Sees to it that a client has the daemon that it is to have. */
class SharedDaemon {
  readonly #client: Client;
  readonly #command: Command;
  readonly #options: ParsedDaemonOptions;
  readonly #place: Place;
  readonly #restarts: Restarts;
  /** Aborts when the client closes. */
  readonly #closed = new AbortController();
  #isBusy = false;

  constructor(client: Client, command: Command, options: ParsedDaemonOptions) {
    this.#client = client;
    this.#command = command;
    this.#options = options;
    const { directory, privateDirectory } = options.client ?? {};
    this.#place = { directory, privateDirectory };
    this.#restarts = new Restarts(options);
    client.once("close", () => this.#closed.abort(new Error("the client is closed")));
  }

  /**
   * Resolves once the client is connected to what is expected.
   *
   * @param beforeStart Called if this process is to start the daemon, and waited for.
   * @throws As `connectOrSpawn`; what `beforeStart` throws.
   */
  async ensure(given?: AbortSignal, beforeStart?: () => Promise<void>): Promise<void> {
    const { readyTimeoutMs, replace, stopTimeoutMs } = this.#options;
    const timeoutMs = readyTimeoutMs + (replace === undefined ? 0 : steps * stopTimeoutMs);
    const lock = await this.#untilServedOrLocked(timeoutMs, given);
    if (lock === undefined) return;
    try {
      await this.#within(timeoutMs, given, async (signal) => {
        if (await this.#isServed(signal, "replace")) return;
        await beforeStart?.();
        await this.#start(given);
      });
    } finally {
      await lock.release();
    }
  }

  /** The lock, if there is no daemon, or an old one that is to go. */
  async #untilServedOrLocked(timeoutMs: number, given?: AbortSignal): Promise<StartLock | undefined> {
    const { name } = this.#client;
    let lock: StartLock | undefined;
    await this.#within(timeoutMs, given, async (signal) => {
      while (lock === undefined && !(await this.#isServed(signal))) {
        lock = await StartLock.take(name, this.#place);
        if (lock === undefined) await StartLock.untilReleased(name, this.#place, signal);
      }
    });
    return lock;
  }

  /** Watches over the client until it closes. */
  keep(): void {
    const client = this.#client;
    const { expect, restart } = this.#options;
    const look = (): void => {
      const mismatch = client.status === "connected" ? mismatchOf(client, expect) : undefined;
      if (mismatch !== undefined && !restart) client.destroy(mismatch.error);
      else if (mismatch !== undefined || (client.status === "reconnecting" && restart)) void this.#again();
    };
    client.on("status", look);
    look();
  }

  /** Never rejects: the client ends with the error. */
  async #again(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      for (let failures = 0; !(await this.#ensureAgain(failures)); failures++);
    } catch (error) {
      if (!this.#closed.signal.aborted) this.#client.destroy(error as Error);
    } finally {
      this.#isBusy = false;
    }
  }

  /** False if it makes sense to try again. */
  async #ensureAgain(failures: number): Promise<boolean> {
    try {
      await this.ensure(undefined, async () => {
        const pause = this.#restarts.next(failures);
        if (pause === undefined) throw new GivenUp(`has ended${this.#restarts.refusal}`);
        await delay(pause, undefined, { signal: this.#closed.signal });
      });
      return true;
    } catch (error) {
      if (error instanceof GivenUp) throw ended("daemon", error.message);
      const { code } = error as { code?: string };
      if (code === "ERR_SIDECAR_ENDED" || code === "ERR_SIDECAR_TIMEOUT") return false;
      throw error;
    }
  }

  /** Whether the client is connected to what is expected. With `"replace"`, an old version that is to go is gone afterwards. */
  async #isServed(signal: AbortSignal, what?: "replace"): Promise<boolean> {
    const client = this.#client;
    if ((await attempt(client, signal)) === "absent") return false;
    const { expect, replace, stopTimeoutMs } = this.#options;
    const mismatch = mismatchOf(client, expect);
    if (mismatch === undefined) return true;
    if (!(await isToBeReplaced(client, mismatch, replace))) throw mismatch.error;
    if (what === "replace")
      await endServer(client, { name: client.name, place: this.#place, stopTimeoutMs }, signal);
    return false;
  }

  async #start(given: AbortSignal | undefined): Promise<void> {
    const run = new DaemonProcess(this.#command, this.#options);
    try {
      await this.#within(this.#options.readyTimeoutMs, given, (signal) => this.#untilReady(run, signal));
    } catch (error) {
      await run.kill();
      throw error;
    } finally {
      run.unref();
    }
  }

  async #untilReady(run: DaemonProcess, signal: AbortSignal): Promise<void> {
    const client = this.#client;
    const ready = client.connected({ signal });
    const failed = run.exited.then(async (exit) => {
      // A launcher has done its work then.
      if (exit.code === 0) return ready;
      // Somebody else's may have been faster, and this one have found the name taken.
      if ((await attempt(client, signal)) === "connected") return;
      throw ended("daemon", `${exitText(exit)} before it was ready${hintAt(this.#options)}`);
    });
    failed.catch(() => {});
    await Promise.race([ready, failed]);
    const mismatch = mismatchOf(client, this.#options.expect);
    if (mismatch !== undefined) throw mismatch.error;
  }

  /** @throws What `act` throws; SystemError `ERR_SIDECAR_TIMEOUT`. Its signal aborts then, when the client closes, and with `given`. */
  async #within(
    timeoutMs: number,
    given: AbortSignal | undefined,
    act: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const patience = new Patience(timeoutMs, [this.#closed.signal, given]);
    try {
      await act(patience.signal);
    } catch (error) {
      if (!(error instanceof OutOfPatience)) throw error;
      const { lastError } = this.#client;
      const why = lastError?.message ?? "another process has been starting it";
      const message = `the daemon was not ready within ${timeoutMs} ms: ${why}`;
      throw new SystemError("ERR_SIDECAR_TIMEOUT", message, lastError && { cause: lastError });
    } finally {
      patience.end();
    }
  }
}

class GivenUp extends Error {}

function hintAt({ log }: ParsedDaemonOptions): string {
  return log === undefined ? "; the option log keeps what it prints" : `; what it printed is in ${log}`;
}
