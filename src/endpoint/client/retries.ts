import { PeerError, type SealpipeError } from "../../errors.ts";
import type { Address } from "../../transport/address.ts";
import { isAbsence } from "../../transport/connect-failure.ts";
import type { Dialer, Watch } from "../../transport/transport.ts";
import { clock } from "../clock.ts";
import { Pause } from "./pause.ts";
import { Backoff, type BackoffOptions, isCrowded } from "./reconnect.ts";

/** The next try of a client that failed to connect, or has lost its connection. */
export interface Retry {
  /** The number of the next try since the client was last connected; its very first try is 1. */
  readonly attempt: number;
  /** Why there is another try; `undefined` if the server ended the connection in order. */
  readonly error: SealpipeError | undefined;
  /** The pause before it, in milliseconds, unless a server appears sooner. */
  readonly delayMs: number;
}

/** How a connection ended. */
export interface LostConnection {
  /** `undefined` if the server ended it in order. */
  readonly error: SealpipeError | undefined;
  /** Whether anything arrived on it. */
  readonly wasUsed: boolean;
}

export interface RetriesTarget {
  readonly address: Address;
  readonly dialer: Dialer;
  readonly options: BackoffOptions;
  /** There will be another try. `isNews`: somebody should hear of its error, which is not just that no server is there. */
  retrying(retry: Retry, isNews: boolean): void;
}

/** When a server appears, the next try comes no sooner than this after the last. */
const minPauseMs = 100;

/** Decides when a client tries again: after pauses that grow, or as soon as the socket's directory shows a server. */
export class Retries {
  readonly #target: RetriesTarget;
  readonly #backoff: Backoff;
  readonly #pause = new Pause();
  /** The number of the next try since the client was last connected. */
  #attempt = 1;
  #triedAt = 0;
  #opened: { readonly at: number; readonly native: boolean } = { at: 0, native: false };
  /** How many connections in a row the server has ended right after the handshake. */
  #hangUps = 0;
  #watch: Watch | undefined;
  /** Something has appeared at the address or gone since the last try began. */
  #addressChanged = false;
  /** The last failure of the system that was reported since there was a connection. */
  #toldMessage: string | undefined;

  constructor(target: RetriesTarget) {
    this.#target = target;
    this.#backoff = new Backoff(target.options);
  }

  /** A try begins. */
  tryBegins(): void {
    this.#triedAt = clock.now();
    this.#addressChanged = false;
  }

  /** The try has succeeded. */
  connected(profile: "classic" | "native"): void {
    this.#opened = { at: clock.now(), native: profile === "native" };
    this.#attempt = 0;
    this.#toldMessage = undefined;
  }

  /** Waits after a try that failed. Throws the signal's reason. */
  waitAfterFailure(error: SealpipeError, signal: AbortSignal): Promise<void> {
    if (isCrowded(error)) this.#backoff.reset();
    return this.#wait(error, this.#isNews(error), signal);
  }

  /** Ends the pause that is under way, and has the next ones begin anew. */
  tryNow(): void {
    this.#backoff.reset();
    this.#pause.end();
  }

  stopWatching(): void {
    this.#watch?.close();
    this.#watch = undefined;
  }

  /** Whether a pause keeps the process alive. */
  setReferenced(referenced: boolean): void {
    this.#pause.setReferenced(referenced);
  }

  /**
   * Waits after a connection that was lost. A connection that ends at once, again and again, is no success: the
   * server gives no reason, and pauses must grow. Throws the signal's reason.
   */
  async waitAfter({ error, wasUsed }: LostConnection, signal: AbortSignal): Promise<void> {
    // If the key is exhausted, this end has closed the connection.
    const isUsed = wasUsed || error?.code === "ERR_KEY_EXHAUSTED";
    const lived = isUsed || this.#opened.native || clock.now() - this.#opened.at >= shortLifeMs;
    if (lived) {
      this.#backoff.reset();
      this.#hangUps = 0;
    } else {
      this.#hangUps += 1;
    }
    const count = this.#hangUps;
    if (count < 2) return this.#wait(error, false, signal);
    // The second, the fourth, the eighth …: this is reported without filling a log.
    return this.#wait(hungUp(count), Number.isInteger(Math.log2(count)), signal);
  }

  /** An absent server is not news. Any other failure is reported once, not at each try. */
  #isNews(error: SealpipeError): boolean {
    if (isAbsence(error)) return false;
    if (error.fault !== "system") return true;
    const isNews = error.message !== this.#toldMessage;
    this.#toldMessage = error.message;
    return isNews;
  }

  /** @throws the signal's reason */
  async #wait(error: SealpipeError | undefined, isNews: boolean, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#attempt += 1;
    // A server that appeared before the watch was opened is found by one more try, soon.
    const watchesAnew = this.#startWatching();
    const delayMs = watchesAnew ? Math.min(this.#backoff.next(), minPauseMs) : this.#backoff.next();
    const waiting = this.#pause.wait(delayMs, signal);
    if (this.#addressChanged) this.#tryChangedAddress();
    this.#target.retrying({ attempt: this.#attempt, error, delayMs: Math.round(delayMs) }, isNews);
    await waiting;
    signal.throwIfAborted();
  }

  /** Starts the watch. Returns whether there was none before. */
  #startWatching(): boolean {
    if (this.#watch?.isOpen) return false;
    const { address, dialer } = this.#target;
    this.#watch = dialer.watch?.(address, () => {
      this.#addressChanged = true;
      this.#tryChangedAddress();
    });
    return this.#watch?.isOpen === true;
  }

  #tryChangedAddress(): void {
    const sinceMs = clock.now() - this.#triedAt;
    this.#pause.endIn(Math.max(0, Math.min(minPauseMs, this.#target.options.retryDelayMs) - sinceMs));
  }
}

/** A classic server that refuses a client, which it can do only by ending the connection, ends it sooner. */
const shortLifeMs = 1_000;

function hungUp(count: number): PeerError {
  return new PeerError(
    "ERR_HANDSHAKE_REJECTED",
    `the server ended ${count} connections in a row right after the handshake, before any message. It may want a secret or a` +
      " native peer, which this end does not offer, or turn away clients; what was written by then may not have arrived",
  );
}
