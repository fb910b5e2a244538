import { randomBytes } from "node:crypto";
import { EventEmitter } from "node:events";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Client, createClient } from "../index.ts";
import {
  type Command,
  type Exit,
  ended,
  exitText,
  type OutputLine,
  SidecarProcess,
} from "./child-process.ts";
import { checkCommand, type ParsedSpawnOptions, parseSpawnOptions, type SpawnOptions } from "./options.ts";
import { untilReady } from "./readiness.ts";
import { Restarts } from "./restarts.ts";

/** What a sidecar is doing. */
export type SidecarStatus = "starting" | "ready" | "restarting" | "stopping" | "stopped" | "failed";

export interface SidecarEvents {
  status: [status: SidecarStatus];
  /** A run of the program has ended. */
  exit: [exit: Exit];
  /** It has printed a line. What nobody listens for is dropped. */
  line: [line: OutputLine];
  /** It has ended too often, or is not what was expected; the status is `failed`, and the client has the same error. */
  error: [error: Error];
}

/**
 * Starts a program that calls `sidecar()`, and connects to it. Resolves once the first connection is authenticated. The program ends
 * when this process does, however that ends.
 *
 * The channel has a random name in a private directory and a fresh secret, which go to the program by its stdin, and are neither
 * in its arguments nor in its environment.
 *
 * @param command The program. With `process.execPath` and a path it is a program for Node. Launchers in between, such as a
 *   shell or npm, have to pass stdin on.
 * @throws SystemError `ERR_SIDECAR_ENDED` if it ended before it was ready, with its exit code and its last words on stderr,
 *   `ERR_SIDECAR_TIMEOUT` if it was not ready in time; PeerError `ERR_SIDECAR_MISMATCH` if it is not what `expect` says; CallerError
 *   `ERR_INVALID_OPTION`, `ERR_INVALID_ARGUMENT`; the signal's reason. Then nothing of it is left.
 */
export async function spawnSidecar(
  command: string,
  args: readonly string[] = [],
  options: SpawnOptions = {},
): Promise<Sidecar> {
  checkCommand(command, args);
  const parsed = parseSpawnOptions(options);
  const sidecar = new Sidecar({ command, args: [...args] }, parsed);
  await sidecar.start();
  return sidecar;
}

/** A program that this one has started and is connected to. Made by {@link spawnSidecar}. */
export class Sidecar extends EventEmitter<SidecarEvents> {
  /** The same for all runs of the program: it reconnects when that is started again. */
  readonly client: Client;
  readonly #command: Command;
  readonly #options: ParsedSpawnOptions;
  readonly #channel: {
    readonly name: string;
    readonly directory: string | undefined;
    readonly secret: Uint8Array;
  };
  readonly #stop = new AbortController();
  #process: SidecarProcess;
  #status: SidecarStatus = "starting";
  readonly #restarts: Restarts;
  #referenced = true;
  #stopped: Promise<void> | undefined;

  /** @internal */
  constructor(command: Command, options: ParsedSpawnOptions) {
    super();
    this.#command = command;
    this.#options = options;
    this.#restarts = new Restarts(options);
    const name = randomBytes(8).toString("hex");
    const isWindows = process.platform === "win32";
    const directory = isWindows ? undefined : join(tmpdir(), `sealpipe-${name}`);
    this.#channel = { name, directory, secret: randomBytes(32) };
    this.#process = this.#launch();
    this.client = createClient(name, {
      retryDelayMs: 10,
      maxRetryDelayMs: 500,
      ...options.client,
      ...(directory !== undefined && { directory }),
      secret: this.#channel.secret,
      profile: "native",
    });
  }

  get status(): SidecarStatus {
    return this.#status;
  }

  /** The id of its process, or of the launcher's. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /**
   * Ends it: asks its program to shut down, then ends stdin, then sends SIGTERM and at last SIGKILL to its process group; after
   * each it has `stopTimeoutMs`. Settles when nothing of it is left, and never rejects.
   *
   * Platform: Windows has no process groups and no SIGTERM. In place of SIGKILL `taskkill` ends the process and its descendants; those of
   * a program that has ended in order may be left.
   *
   * @param reason What the program's `onEnd` is told.
   */
  stop(reason = ""): Promise<void> {
    this.#stopped ??= this.#end(reason);
    return this.#stopped;
  }

  /** The same as `stop`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Lets this process end although the sidecar runs: then it ends, too. */
  unref(): this {
    this.#setReferenced(false);
    return this;
  }

  /** Reverses `unref`. */
  ref(): this {
    this.#setReferenced(true);
    return this;
  }

  /** @internal Called once. */
  async start(): Promise<void> {
    try {
      const { signal } = this.#options;
      await this.#untilReady(...(signal === undefined ? [] : [signal]));
    } catch (error) {
      await this.#kill();
      throw error;
    }
    this.#setStatus("ready");
    void this.#watch();
  }

  #launch(): SidecarProcess {
    const launched = new SidecarProcess(this.#command, this.#options, (line) => this.#tell("line", line));
    launched.handOver(this.#channel);
    launched.exited.then(
      (exit) => this.#tell("exit", exit),
      () => {},
    );
    return launched;
  }

  async #untilReady(...signals: readonly AbortSignal[]): Promise<void> {
    const { client } = this;
    await untilReady({ client, run: this.#process }, this.#options, [this.#stop.signal, ...signals]);
  }

  /** Starts it again as often as it ends. Never rejects. */
  async #watch(): Promise<void> {
    for (;;) {
      const exit = await this.#process.exited;
      if (this.#status !== "ready") return;
      try {
        await this.#restart(exit);
      } catch (error) {
        if (!this.#stop.signal.aborted) await this.#fail(error as Error);
        return;
      }
    }
  }

  async #restart(exit: Exit): Promise<void> {
    this.#setStatus("restarting");
    await this.#untilLost();
    for (let failures = 0; ; failures++) {
      const pause = this.#restarts.next(failures);
      if (pause === undefined) {
        throw ended("sidecar", `${exitText(exit)}${this.#restarts.refusal}${this.#process.lastWordsText}`);
      }
      await delay(pause, undefined, { signal: this.#stop.signal, ref: this.#referenced });
      this.#process = this.#launch();
      this.#process.setReferenced(this.#referenced);
      try {
        await this.#untilReady();
        this.#setStatus("ready");
        return;
      } catch (error) {
        const isFinal = (error as { code?: string }).code === "ERR_SIDECAR_MISMATCH";
        if (isFinal || this.#stop.signal.aborted) throw error;
        await this.#process.kill("SIGKILL");
        await this.#process.exited.catch(() => {});
      }
    }
  }

  /** The client has noticed that the last run has ended: what it is connected to next is another. */
  async #untilLost(): Promise<void> {
    if (this.client.status !== "connected") return;
    await new Promise((resolve) => this.client.once("status", resolve));
  }

  async #fail(error: Error): Promise<void> {
    this.#setStatus("failed");
    await this.#kill(error);
    if (this.listenerCount("error") > 0) this.#tell("error", error);
  }

  async #end(reason: string): Promise<void> {
    if (this.#status === "failed") return;
    this.#setStatus("stopping");
    this.#stop.abort();
    const timeoutMs = this.#options.stopTimeoutMs;
    if (this.client.status === "connected")
      await this.client.shutdownServer(reason, { timeoutMs }).catch(() => {});
    const steps = [() => {}, () => this.#process.release()];
    // On Windows there is no SIGTERM to wait for.
    if (process.platform !== "win32") steps.push(() => void this.#process.kill("SIGTERM"));
    for (const step of steps) {
      step();
      if (await this.#exitsWithin(timeoutMs)) break;
    }
    await this.#kill();
    this.#setStatus("stopped");
  }

  async #exitsWithin(timeoutMs: number): Promise<boolean> {
    const late = new AbortController();
    const exited = this.#process.exited.then(
      () => true,
      () => true,
    );
    const timeout = delay(timeoutMs, false, { signal: late.signal }).catch(() => false);
    try {
      return await Promise.race([exited, timeout]);
    } finally {
      late.abort();
    }
  }

  /** At once, and all of it. */
  async #kill(error?: Error): Promise<void> {
    this.client.destroy(error);
    this.#process.release();
    await this.#process.kill("SIGKILL");
    await this.#process.exited.catch(() => {});
    await this.client.close();
    const { directory } = this.#channel;
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  }

  #setReferenced(referenced: boolean): void {
    this.#referenced = referenced;
    this.#process.setReferenced(referenced);
    if (referenced) this.client.ref();
    else this.client.unref();
  }

  #setStatus(status: SidecarStatus): void {
    if (this.#status === status) return;
    this.#status = status;
    this.#tell("status", status);
  }

  /** A listener that throws is the program's fault, and not to keep this from going on. */
  #tell<K extends keyof SidecarEvents>(event: K, ...args: SidecarEvents[K]): void {
    try {
      (this as EventEmitter).emit(event, ...args);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  }
}
