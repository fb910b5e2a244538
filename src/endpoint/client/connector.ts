import { PeerError, type SealpipeError, SystemError } from "../../errors.ts";
import type { NativePeer } from "../../protocol/native/options.ts";
import type { NativeSession } from "../../protocol/native/session.ts";
import type { Address } from "../../transport/address.ts";
import { isAbsence } from "../../transport/connect-failure.ts";
import { messageOf } from "../../transport/system-errors.ts";
import { clearTimeout, setTimeout } from "../../transport/timers.ts";
import type { Transport, TransportProvider, Watch } from "../../transport/transport.ts";
import { clock } from "../clock.ts";
import { deaf, EngineDriver } from "../driver/engine-driver.ts";
import type { ConnectionHandler, TakeOver } from "../driver/established.ts";
import { nativeOptions } from "../options/native-options.ts";
import type { ParsedClientOptions } from "../options/options.ts";
import { withSecret } from "../options/secret.ts";
import { eitherOf } from "../reading/abort-listeners.ts";
import type { ReadQuota } from "../reading/read-quota.ts";
import { Pause } from "./pause.ts";
import { Backoff, isCrowded, isPassing } from "./reconnect.ts";

/** What a client does after it failed to connect, or has lost its connection. */
export interface Retry {
  /** Which try the next one is, of those since the client was last connected; the one that it started with is the first. */
  readonly attempt: number;
  /** Why there is to be another; nothing if the server ended the connection in order. */
  readonly error: SealpipeError | undefined;
  /** How long it pauses before that, in milliseconds, unless a server comes before. */
  readonly delayMs: number;
}

export interface ConnectorTarget {
  readonly address: Address;
  readonly provider: TransportProvider;
  readonly options: ParsedClientOptions;
  /** What the application has yet to read, of all connections in turn. */
  readonly quota: ReadQuota;
  /** The session to go on with, if there is one. */
  readonly session: () => NativeSession | undefined;
  /** Who a native server was when the client was last connected. */
  readonly lastServer: () => NativePeer | undefined;
  /** There will be another try. `isNews`: somebody should hear of its error, which is not just that no server is there. */
  retrying(retry: Retry, isNews: boolean): void;
}

/** A server that has just come, or is just coming, is tried to reach no sooner than this after the last try. */
const minPauseMs = 100;

/** How a connection ended. */
export interface LostConnection {
  /** Nothing if the server ended it in order. */
  readonly error: SealpipeError | undefined;
  /** Whether anything came by it. */
  readonly wasUsed: boolean;
}

/** Tries to reach a server until it does, the time is over, or trying again makes no sense. */
export class Connector {
  readonly #target: ConnectorTarget;
  #options: ParsedClientOptions;
  readonly #backoff: Backoff;
  #driver: EngineDriver | undefined;
  #lastError: unknown;
  /** What would be said of the try that is under way if its time was over now. */
  #underWay: (() => PeerError) | undefined;
  #destroyed = false;
  #referenced = true;
  readonly #pause = new Pause();
  #attempt = 1;
  #openedAt = 0;
  #openedNative = false;
  /** How many connections in a row the server has ended right after the handshake. */
  #hangUps = 0;
  #triedAt = 0;
  #watch: Watch | undefined;
  /** Something has come to the address or gone since the last try began. */
  #addressChanged = false;
  /** The last failure of the system's that was told since there was a connection. */
  #toldMessage: string | undefined;
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
      throw this.timeoutError(connectTimeoutMs);
    } finally {
      either.release();
      clearTimeout(timer);
    }
  }

  /** The same, after the pause that a connection is given which was lost for that reason. */
  async reestablish(
    lost: LostConnection,
    takeOver: TakeOver<Omit<ConnectionHandler, "released">>,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await this.#pauseAfter(lost, signal);
      await this.establish(takeOver, signal);
    } finally {
      this.#stopWatching();
    }
  }

  /** Ends the pause that is under way, and has the next ones begin anew. */
  tryNow(): void {
    this.#backoff.reset();
    this.#pause.end();
  }

  /** That no server was reached in that time, and why the last try failed. */
  timeoutError(ms: number): SystemError {
    return connectTimeout(this.#target.address, ms, this.#lastTry);
  }

  /** Whether the connection, or the tries to get one, keep the process alive. */
  setReferenced(referenced: boolean): void {
    this.#referenced = referenced;
    this.#driver?.setReferenced(referenced);
    this.#pause.setReferenced(referenced);
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
    try {
      await this.#tryUntilOpen(takeOver, signal);
    } finally {
      this.#stopWatching();
    }
  }

  async #tryUntilOpen(
    takeOver: TakeOver<Omit<ConnectionHandler, "released">>,
    signal: AbortSignal,
  ): Promise<void> {
    for (;;) {
      try {
        await this.#tryOnce(takeOver, signal);
        this.#openedAt = clock.now();
        this.#attempt = 0;
        this.#toldMessage = undefined;
        return;
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (!this.#options.retry || !isPassing(error)) throw error;
        this.#lastError = error;
        if (isCrowded(error)) this.#backoff.reset();
        await this.#waitToRetry(error as SealpipeError, this.#isNews(error as SealpipeError), signal);
      }
    }
  }

  /** One that ends at once, again and again, is no success: the server has said nothing of it, and pauses must grow. */
  async #pauseAfter({ error, wasUsed }: LostConnection, signal: AbortSignal): Promise<void> {
    // A key that is used up is our own reason to end.
    const isUsed = wasUsed || error?.code === "ERR_KEY_EXHAUSTED";
    const lived = isUsed || this.#openedNative || clock.now() - this.#openedAt >= shortLifeMs;
    if (lived) {
      this.#backoff.reset();
      this.#hangUps = 0;
    } else {
      this.#hangUps += 1;
    }
    const count = this.#hangUps;
    if (count < 2) return this.#waitToRetry(error, false, signal);
    // The second, the fourth, the eighth: who listens knows, and no log is filled.
    return this.#waitToRetry(hungUp(count), Number.isInteger(Math.log2(count)), signal);
  }

  /** A server that is not there is what waiting is for. Of other failures each is told once, not at each try. */
  #isNews(error: SealpipeError): boolean {
    if (isAbsence(error)) return false;
    if (error.fault !== "system") return true;
    const isNews = error.message !== this.#toldMessage;
    this.#toldMessage = error.message;
    return isNews;
  }

  /** @throws the signal's reason */
  async #waitToRetry(error: SealpipeError | undefined, isNews: boolean, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#attempt += 1;
    // What has come before there was a watch is found by one more try, soon.
    const watchesAnew = this.#startWatching();
    const delayMs = watchesAnew ? Math.min(this.#backoff.next(), minPauseMs) : this.#backoff.next();
    const waiting = this.#pause.wait(delayMs, signal);
    if (this.#addressChanged) this.#tryChangedAddress();
    this.#target.retrying({ attempt: this.#attempt, error, delayMs: Math.round(delayMs) }, isNews);
    await waiting;
    signal.throwIfAborted();
  }

  /** Whether it did not before. */
  #startWatching(): boolean {
    if (this.#watch?.isOpen) return false;
    const { address, provider } = this.#target;
    this.#watch = provider.watch?.(address, () => {
      this.#addressChanged = true;
      this.#tryChangedAddress();
    });
    return this.#watch?.isOpen === true;
  }

  #stopWatching(): void {
    this.#watch?.close();
    this.#watch = undefined;
  }

  #tryChangedAddress(): void {
    const sinceMs = clock.now() - this.#triedAt;
    this.#pause.endIn(Math.max(0, Math.min(minPauseMs, this.#options.retryDelayMs) - sinceMs));
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
    this.#triedAt = clock.now();
    this.#addressChanged = false;
    const transport = await provider.connect(address, signal).catch((error: unknown) => {
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

  /** The last that is known of the server: of a try that is under way only if none before said more. */
  get #lastTry(): unknown {
    return isSilence(this.#lastError) ? this.#lastError : (this.#underWay?.() ?? this.#lastError);
  }

  /** What is known of a server that accepted a connection and has not finished the handshake, and no more. */
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
    takeOver: TakeOver<Omit<ConnectionHandler, "released">>,
    settle: { resolve(): void; reject(error: unknown): void; released(): void },
  ): EngineDriver {
    const { quota } = this.#target;
    const options = this.#options;
    const native = nativeOptions(options, { resumable: options.retry, session: this.#target.session() });
    const driver: EngineDriver = new EngineDriver(
      transport,
      { ...options, quota, native, turns: undefined, role: "client" },
      {
        ...deaf,
        opened: (event) => {
          this.#openedNative = event.profile === "native";
          driver.handler = {
            ...deaf,
            ...takeOver({ ...event, driver, quota }),
            released: () => settle.released(),
          };
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

/** A classic server that refuses a client, and can only do so by ending the connection, does it sooner. */
const shortLifeMs = 1_000;

function hungUp(count: number): PeerError {
  return new PeerError(
    "ERR_HANDSHAKE_REJECTED",
    `the server ended ${count} connections in a row right after the handshake, before any message. It may want a secret or a` +
      " native peer, which this end does not offer, or turn away clients; what was written by then may not have arrived",
  );
}

/** A server that is merely busy speaks sooner. */
const longSilenceMs = 150;

function isSilence(error: unknown): boolean {
  return error instanceof PeerError && error.code === "ERR_HANDSHAKE_TIMEOUT";
}

/** Why a server says nothing. */
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
