import { PeerError, type SealpipeError, SystemError } from "../../errors.ts";
import type { NativePeer } from "../../protocol/native/options.ts";
import type { NativeSession } from "../../protocol/native/session.ts";
import type { Address } from "../../transport/address.ts";
import { messageOf } from "../../transport/system-errors.ts";
import { clearTimeout, setTimeout } from "../../transport/timers.ts";
import type { Dialer, Transport } from "../../transport/transport.ts";
import { clock } from "../clock.ts";
import { type About, channels } from "../diagnostics.ts";
import { deaf } from "../driver/driver-handler.ts";
import { EngineDriver } from "../driver/engine-driver.ts";
import type { TakeOver } from "../driver/established.ts";
import { nativeOptions } from "../options/native-options.ts";
import type { ParsedClientOptions } from "../options/parse-options.ts";
import { withSecret } from "../options/secret.ts";
import { eitherOf } from "../reading/abort-listeners.ts";
import type { ReadQuota } from "../reading/read-quota.ts";
import { isPassing } from "./reconnect.ts";
import { type LostConnection, Retries, type Retry } from "./retries.ts";

export interface ConnectorTarget {
  /** Whose it is, for diagnostics. */
  readonly about: About;
  readonly address: Address;
  readonly dialer: Dialer;
  readonly options: ParsedClientOptions;
  /** How much the application has yet to read, of all successive connections. */
  readonly quota: ReadQuota;
  /** The session to resume, if there is one. */
  readonly session: () => NativeSession | undefined;
  /** The native server to which the client was last connected. */
  readonly lastServer: () => NativePeer | undefined;
  /** There will be another try. `isNews`: the error is worth reporting, because it is more than an absent server. */
  retrying(retry: Retry, isNews: boolean): void;
}

/** Tries to reach a server until it succeeds, the time is over, or another try makes no sense. */
export class Connector {
  readonly #target: ConnectorTarget;
  #options: ParsedClientOptions;
  readonly #retries: Retries;
  #driver: EngineDriver | undefined;
  #lastError: unknown;
  /** The error of the try that is under way, if its time were over now. */
  #underWay: (() => PeerError) | undefined;
  #destroyed = false;
  #referenced = true;
  #whenReleased: Promise<void> = Promise.resolve();

  constructor(target: ConnectorTarget) {
    this.#target = target;
    this.#options = target.options;
    this.#retries = new Retries(target);
  }

  /** Settles once the transport of the last try is gone. */
  get whenReleased(): Promise<void> {
    return this.#whenReleased;
  }

  /**
   * Resolves once a connection is established and `takeOver` has it.
   *
   * @throws SystemError `ERR_CONNECT_TIMEOUT`, `ERR_CONNECT_FAILED`, `ERR_SECRET_FILE`; PeerError if the handshake
   * failed for good; the signal's reason.
   */
  async establish(takeOver: TakeOver, signal: AbortSignal): Promise<void> {
    const { connectTimeoutMs } = this.#target.options;
    if (connectTimeoutMs === 0) return this.#establish(takeOver, signal);
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), connectTimeoutMs);
    // The tries keep the process alive, unless unreferenced; the timer need not.
    timer.unref();
    const either = eitherOf(signal, timeout.signal);
    try {
      await this.#establish(takeOver, either.signal);
    } catch (error) {
      if (signal.aborted || !timeout.signal.aborted) throw error;
      throw this.timeoutError(connectTimeoutMs);
    } finally {
      either.release();
      clearTimeout(timer);
    }
  }

  /** The same, after the pause that follows a connection which was lost like that. */
  async reestablish(lost: LostConnection, takeOver: TakeOver, signal: AbortSignal): Promise<void> {
    try {
      await this.#retries.waitAfter(lost, signal);
      await this.establish(takeOver, signal);
    } finally {
      this.#retries.stopWatching();
    }
  }

  /** Ends the present pause; the next ones start from the shortest again. */
  tryNow(): void {
    this.#retries.tryNow();
  }

  /** The error that no server was reached within `ms`, with the failure of the last try. */
  timeoutError(ms: number): SystemError {
    return connectTimeout(this.#target.address, ms, this.#lastTry);
  }

  /** @throws PeerError `ERR_NOT_CONNECTED` while it is still in a file. */
  get secret(): Uint8Array | undefined {
    const { secret, secretFile } = this.#options;
    if (secretFile === undefined) return secret;
    throw new PeerError("ERR_NOT_CONNECTED", `the secret in ${secretFile} has not been read yet`);
  }

  /** Whether the connection, or the tries to get one, keep the process alive. */
  setReferenced(referenced: boolean): void {
    this.#referenced = referenced;
    this.#driver?.setReferenced(referenced);
    this.#retries.setReferenced(referenced);
  }

  /** Drops a handshake that is under way; the caller has aborted its signal. */
  destroy(): void {
    this.#destroyed = true;
    this.#driver?.destroy();
  }

  async #establish(takeOver: TakeOver, signal: AbortSignal): Promise<void> {
    this.#lastError = undefined;
    // The secret is read once, and not again when reconnecting.
    if (this.#options.secretFile !== undefined) this.#options = await withSecret(this.#options);
    try {
      await this.#tryUntilOpen(takeOver, signal);
    } finally {
      this.#retries.stopWatching();
    }
  }

  async #tryUntilOpen(takeOver: TakeOver, signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await this.#tryOnce(takeOver, signal);
        return;
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (!this.#options.retry || !isPassing(error)) throw error;
        this.#lastError = error;
        await this.#retries.waitAfterFailure(error as SealpipeError, signal);
      }
    }
  }

  /**
   * From now on `whenReleased` waits until the returned function is called: once the next transport is gone, or
   * failed to connect.
   */
  #expectRelease(): () => void {
    let released = (): void => {};
    this.#whenReleased = new Promise((resolve) => {
      released = resolve;
    });
    return released;
  }

  async #tryOnce(takeOver: TakeOver, signal: AbortSignal): Promise<void> {
    const { about, address, dialer } = this.#target;
    if (channels.connecting.hasSubscribers) channels.connecting.publish({ ...about, address: address.path });
    const released = this.#expectRelease();
    this.#retries.tryBegins();
    const transport = await dialer.connect(address, signal).catch((error: unknown) => {
      released();
      throw error;
    });
    if (this.#destroyed) {
      transport.destroy();
      released();
      throw signal.reason;
    }
    const since = clock.now();
    let abort = (): void => {};
    try {
      await new Promise<void>((resolve, reject) => {
        const driver = this.#startEngine(transport, takeOver, { resolve, reject, released });
        this.#underWay = () => this.#unfinished(since, driver.hasHeard);
        abort = (): void => {
          this.#lastError = this.#lastTry;
          // In order, not at once: a golang-ipc server stops serving when a client hangs up in the handshake.
          driver.close();
          reject(signal.reason);
        };
        signal.addEventListener("abort", abort);
        if (signal.aborted) abort();
      });
    } finally {
      signal.removeEventListener("abort", abort);
      this.#underWay = undefined;
    }
  }

  /** The last known failure: that of the try under way only if no earlier one says more. */
  get #lastTry(): unknown {
    return isSilence(this.#lastError) ? this.#lastError : (this.#underWay?.() ?? this.#lastError);
  }

  /** The error for a server that accepted a connection and has not finished the handshake. */
  #unfinished(since: number, hasHeard: boolean): PeerError {
    const ms = Math.round(clock.now() - since);
    const done = hasHeard ? "did not finish the handshake" : "said nothing";
    const before = this.#target.lastServer();
    const guess = hasHeard || ms < longSilenceMs ? "" : guessAt(before);
    return new PeerError(
      "ERR_HANDSHAKE_TIMEOUT",
      `a server accepted the connection and ${done} within ${ms} ms${guess}`,
    );
  }

  #startEngine(
    transport: Transport,
    takeOver: TakeOver,
    settle: { resolve(): void; reject(error: unknown): void; released(): void },
  ): EngineDriver {
    const { quota } = this.#target;
    const options = this.#options;
    const native = nativeOptions(options, { resumable: options.retry, session: this.#target.session() });
    const driver: EngineDriver = new EngineDriver(
      transport,
      { ...options, about: this.#target.about, quota, native, turns: undefined, role: "client" },
      {
        ...deaf,
        opened: (event) => {
          this.#retries.connected(event.profile);
          driver.handler = { ...takeOver({ ...event, driver, quota }), released: () => settle.released() };
          settle.resolve();
        },
        closed: (error) =>
          settle.reject(
            isSilence(error)
              ? this.#underWay?.()
              : (error ?? new PeerError("ERR_CONNECTION_LOST", "closed in the handshake")),
          ),
        released: () => settle.released(),
      },
    );
    this.#driver = driver;
    driver.setReferenced(this.#referenced);
    driver.start();
    return driver;
  }
}

/** A server that is merely busy answers sooner. */
const longSilenceMs = 150;

function isSilence(error: unknown): boolean {
  return error instanceof PeerError && error.code === "ERR_HANDSHAKE_TIMEOUT";
}

/** Why a server may send nothing. */
function guessAt(before: NativePeer | undefined): string {
  if (before === undefined)
    return ". It may hang, or be a golang-ipc server that already has its one client; it ignores every further one";
  return `. The server before was ${before.library} in the process ${before.pid}: if that is still there, it is stopped or hangs`;
}

function connectTimeout(address: Address, ms: number, cause: unknown): SystemError {
  const reason = cause === undefined ? "" : `; the last try: ${messageOf(cause)}`;
  return new SystemError(
    "ERR_CONNECT_TIMEOUT",
    `no server was reached at ${address.path} within ${ms} ms${reason}`,
    cause === undefined ? undefined : { cause },
  );
}
