import { PeerError, type SealpipeError, SystemError } from "../../errors.ts";
import type { NativeSession } from "../../protocol/native/session.ts";
import type { Address } from "../../transport/address.ts";
import { setReferenced } from "../../transport/referenced.ts";
import { messageOf } from "../../transport/system-errors.ts";
import { clearTimeout, setTimeout } from "../../transport/timers.ts";
import type { Transport, TransportProvider } from "../../transport/transport.ts";
import { deaf, EngineDriver } from "../driver/engine-driver.ts";
import type { ConnectionHandler, TakeOver } from "../driver/established.ts";
import { nativeOptions } from "../options/native-options.ts";
import type { ParsedClientOptions } from "../options/options.ts";
import { withSecret } from "../options/secret.ts";
import { eitherOf } from "../reading/abort-listeners.ts";
import type { ReadQuota } from "../reading/read-quota.ts";
import { Backoff, isAbsence, isCrowded, isPassing } from "./reconnect.ts";

export interface ConnectorTarget {
  readonly address: Address;
  readonly provider: TransportProvider;
  readonly options: ParsedClientOptions;
  /** What the application has yet to read, of all connections in turn. */
  readonly quota: ReadQuota;
  /** The session to go on with, if there is one. */
  readonly session: () => NativeSession | undefined;
  /** A try failed and there will be another. Not told of a server that is merely not there. */
  retrying(error: SealpipeError): void;
}

/** Tries to reach a server until it does, the time is over, or trying again makes no sense. */
export class Connector {
  readonly #target: ConnectorTarget;
  #options: ParsedClientOptions;
  readonly #backoff: Backoff;
  #driver: EngineDriver | undefined;
  #lastError: unknown;
  #destroyed = false;
  #referenced = true;
  #pauseTimer: NodeJS.Timeout | undefined;
  #whenReleased: Promise<void> = Promise.resolve();

  constructor(target: ConnectorTarget) {
    this.#target = target;
    this.#options = target.options;
    this.#backoff = new Backoff(target.options);
  }

  /** Settles once the transport of the last try is gone. */
  get whenReleased(): Promise<void> {
    return this.#whenReleased;
  }

  /**
   * Resolves once a connection is established and `takeOver` has it.
   *
   * @throws SystemError `ERR_CONNECT_TIMEOUT`, `ERR_CONNECT_FAILED`, `ERR_SECRET_FILE`; PeerError where the handshake
   *   failed for good; the signal's reason.
   */
  async establish(
    takeOver: TakeOver<Omit<ConnectionHandler, "released">>,
    signal: AbortSignal,
  ): Promise<void> {
    const { connectTimeoutMs } = this.#target.options;
    if (connectTimeoutMs === 0) return this.#establish(takeOver, signal);
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), connectTimeoutMs);
    // What is tried meanwhile keeps the process alive, or is not to.
    timer.unref();
    const either = eitherOf(signal, timeout.signal);
    try {
      await this.#establish(takeOver, either.signal);
    } catch (error) {
      if (signal.aborted || !timeout.signal.aborted) throw error;
      throw connectTimeout(this.#target.address, connectTimeoutMs, this.#lastError);
    } finally {
      either.release();
      clearTimeout(timer);
    }
  }

  /** The same, after the pause that a lost connection is given. */
  async reestablish(
    takeOver: TakeOver<Omit<ConnectionHandler, "released">>,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#pause(signal);
    await this.establish(takeOver, signal);
  }

  /** Whether the connection, or the tries to get one, keep the process alive. */
  setReferenced(referenced: boolean): void {
    this.#referenced = referenced;
    this.#driver?.setReferenced(referenced);
    if (this.#pauseTimer !== undefined) setReferenced(this.#pauseTimer, referenced);
  }

  /** Drops a handshake that is under way, for good; the caller has aborted its signal. */
  destroy(): void {
    this.#destroyed = true;
    this.#driver?.destroy();
  }

  async #establish(
    takeOver: TakeOver<Omit<ConnectionHandler, "released">>,
    signal: AbortSignal,
  ): Promise<void> {
    this.#lastError = undefined;
    // The secret once, and not again for a connection that takes the place of one that was lost.
    if (this.#options.secretFile !== undefined) this.#options = await withSecret(this.#options);
    await this.#tryUntilOpen(takeOver, signal);
  }

  async #tryUntilOpen(
    takeOver: TakeOver<Omit<ConnectionHandler, "released">>,
    signal: AbortSignal,
  ): Promise<void> {
    for (;;) {
      try {
        await this.#tryOnce(takeOver, signal);
        this.#backoff.reset();
        return;
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (!isPassing(error)) throw error;
        this.#lastError = error;
        if (!isAbsence(error)) this.#target.retrying(error as SealpipeError);
        if (isCrowded(error)) this.#backoff.reset();
      }
      await this.#pause(signal);
    }
  }

  /** @throws the signal's reason */
  async #pause(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await new Promise<void>((resolve) => {
      const over = (): void => {
        signal.removeEventListener("abort", over);
        clearTimeout(this.#pauseTimer);
        this.#pauseTimer = undefined;
        resolve();
      };
      signal.addEventListener("abort", over);
      this.#pauseTimer = setTimeout(over, this.#backoff.next());
      setReferenced(this.#pauseTimer, this.#referenced);
    });
    signal.throwIfAborted();
  }

  /** From now on `whenReleased` waits, for what is called once the next transport is gone, or was never there. */
  #expectRelease(): () => void {
    let released = (): void => {};
    this.#whenReleased = new Promise((resolve) => {
      released = resolve;
    });
    return released;
  }

  async #tryOnce(
    takeOver: TakeOver<Omit<ConnectionHandler, "released">>,
    signal: AbortSignal,
  ): Promise<void> {
    const { address, provider } = this.#target;
    const released = this.#expectRelease();
    const transport = await provider.connect(address, signal).catch((error: unknown) => {
      released();
      throw error;
    });
    if (this.#destroyed) {
      transport.destroy();
      released();
      throw signal.reason;
    }
    // Until it is known better, for the error of a time that is over meanwhile.
    this.#lastError = new PeerError("ERR_HANDSHAKE_TIMEOUT", unfinished);
    let abort = (): void => {};
    try {
      await new Promise<void>((resolve, reject) => {
        const driver = this.#startEngine(transport, takeOver, { resolve, reject, released });
        abort = (): void => {
          // In order, not at once: a golang-ipc server stops serving when a client hangs up in the handshake.
          driver.close();
          reject(signal.reason);
        };
        signal.addEventListener("abort", abort);
        if (signal.aborted) abort();
      });
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  #startEngine(
    transport: Transport,
    takeOver: TakeOver<Omit<ConnectionHandler, "released">>,
    settle: { resolve(): void; reject(error: unknown): void; released(): void },
  ): EngineDriver {
    const { quota } = this.#target;
    const options = this.#options;
    const native = nativeOptions(options, { resumable: true, session: this.#target.session() });
    const driver: EngineDriver = new EngineDriver(
      transport,
      { ...options, quota, native, turns: undefined, role: "client" },
      {
        ...deaf,
        opened: (event) => {
          driver.handler = {
            ...deaf,
            ...takeOver({ ...event, driver, quota }),
            released: () => settle.released(),
          };
          settle.resolve();
        },
        closed: (error) =>
          settle.reject(error ?? new PeerError("ERR_CONNECTION_LOST", "closed in the handshake")),
        released: () => settle.released(),
      },
    );
    this.#driver = driver;
    driver.setReferenced(this.#referenced);
    driver.start();
    return driver;
  }
}

const unfinished =
  "a server accepted the connection and did not finish the handshake. The likely cause is a golang-ipc server that" +
  " already has its one client";

function connectTimeout(address: Address, ms: number, cause: unknown): SystemError {
  const reason = cause === undefined ? "" : `; the last try: ${messageOf(cause)}`;
  return new SystemError(
    "ERR_CONNECT_TIMEOUT",
    `no server was reached at ${address.path} within ${ms} ms${reason}`,
    cause === undefined ? undefined : { cause },
  );
}
