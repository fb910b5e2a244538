import { PeerError, SealpipeError } from "../../errors.ts";
import { isError } from "../../transport/system-errors.ts";
import { channels } from "../diagnostics.ts";
import type { Established, TakeOver } from "../driver/established.ts";
import { type Living, publishClosed, publishLost, tellOpen, tellSessionLost } from "../life-cycle.ts";
import type { Carried, Link } from "../link/link.ts";
import { isAnythingLost, sessionEnded } from "../link/lost-session.ts";
import { Message } from "../messages/message.ts";
import { parseReadOptions, type ReadOptions } from "../options/call-options.ts";
import type { ParsedClientOptions } from "../options/parse-options.ts";
import { eitherOf } from "../reading/abort-listeners.ts";
import { closedError } from "../reading/inbox.ts";
import type { ReadQuota } from "../reading/read-quota.ts";
import { type Waiter, waitAmong } from "../reading/waiter.ts";
import type { IncomingRequest } from "../requests/request.ts";
import { Shutdown } from "../shutdown.ts";
import type { Status } from "../status.ts";
import { Connector } from "./connector.ts";
import { isResumable } from "./reconnect.ts";
import type { LostConnection, Retry } from "./retries.ts";
import type { Route } from "./route.ts";

interface LifeOptions {
  readonly route: Route;
  readonly options: ParsedClientOptions;
  readonly quota: ReadQuota;
}

/** A client from its first try to connect to its end, over one connection after another. */
export class ClientLife {
  readonly #client: Living;
  readonly #options: ParsedClientOptions;
  readonly #link: Link<IncomingRequest>;
  readonly #connector: Connector;
  readonly #stop = new AbortController();
  readonly #shutdown = new Shutdown();
  /** Calls that wait until it is connected. */
  readonly #waiters = new Set<Waiter<void>>();
  #established: Established | undefined;
  #lastError: Error | undefined;
  /** Set if the client ended without a call of `close`: the failure that ended it, if there was one. */
  #end: { readonly failure: Error | undefined } | undefined;

  constructor(client: Living, link: Link<IncomingRequest>, { route, quota, options }: LifeOptions) {
    this.#client = client;
    this.#link = link;
    this.#options = options;
    this.#connector = new Connector({
      ...route,
      options,
      quota,
      about: link.about,
      session: () => link.native,
      lastServer: () => this.#established?.native?.peer,
      retrying: (retry, isNews) => this.#retrying(retry, isNews),
    });
  }

  /** The present connection, or the last one. */
  get established(): Established | undefined {
    return this.#established;
  }

  /** Why it is not connected: the failure of its last try, of its connection, or the one that ended it. */
  get lastError(): Error | undefined {
    return this.#lastError;
  }

  /** @throws PeerError `ERR_NOT_CONNECTED` while it is still in a file. */
  get secret(): Uint8Array | undefined {
    return this.#connector.secret;
  }

  /** Why it does nothing more. */
  get ending(): Error | undefined {
    const isOver = this.#shutdown.hasBegun || this.#end !== undefined;
    return isOver ? closedError(this.#end?.failure) : undefined;
  }

  /** Why nothing can be written now. */
  get refusal(): Error | undefined {
    if (this.ending !== undefined || this.#options.offlineQueue || this.#link.isConnected) return this.ending;
    return new PeerError("ERR_NOT_CONNECTED", "the client is not connected, and offlineQueue is off");
  }

  /** Called once. Rejects if the client cannot connect; then the client is closed. */
  async connect(signal: AbortSignal | undefined): Promise<void> {
    this.#client.setStatus("connecting");
    const stop = signal && eitherOf(this.#stop.signal, signal);
    try {
      await this.#connector.establish(this.#takeOver, stop?.signal ?? this.#stop.signal);
    } catch (error) {
      // A client that was closed meanwhile has not failed: its close determines how it ends.
      if (!this.#shutdown.hasBegun) this.#fail(error);
      throw error;
    } finally {
      stop?.release();
    }
  }

  /** Resolves once it is connected. */
  async connected(options: ReadOptions | undefined): Promise<void> {
    if (this.ending !== undefined) throw this.#end?.failure ?? this.#shutdown.error ?? closedError();
    if (this.#client.status === "connected") return;
    const parsed = parseReadOptions(options);
    parsed.signal?.throwIfAborted();
    await waitAmong(this.#waiters, parsed, (timeoutMs) => this.#connector.timeoutError(timeoutMs));
  }

  /** Ends the pause between two tries. */
  tryNow(): void {
    this.#connector.tryNow();
  }

  setReferenced(referenced: boolean): void {
    if (!this.#shutdown.hasBegun) this.#connector.setReferenced(referenced);
  }

  /** Ends in order. */
  close(): void {
    if (this.#shutdown.begin()) void this.#close();
  }

  /** Ends at once. */
  destroy(error: Error | undefined): void {
    this.#shutdown.destroyed(error);
    this.#client.inbox.end(error, "drop");
    this.#link.driver?.destroy();
    this.close();
    this.#connector.destroy();
  }

  async #close(): Promise<void> {
    this.#client.inbox.end(undefined, "drop");
    if (this.#end !== undefined) return;
    this.#client.setStatus("closing");
    for (const waiter of this.#waiters) waiter.reject(this.#shutdown.error ?? closedError());
    this.#stop.abort(closedError());
    this.#link.driver?.close();
    // A close must finish even if nobody awaits it.
    this.#connector.setReferenced(true);
    await this.#connector.whenReleased;
    this.#link.end(this.#shutdown.error ?? closedError());
    this.#client.setStatus(this.#shutdown.status);
    this.#closed(this.#shutdown.error);
  }

  readonly #takeOver: TakeOver = (established) => {
    const { driver, session, native } = established;
    const ended = sessionEnded(native?.sessionEnded);
    this.#established = established;
    this.#lastError = undefined;
    const carried = this.#link.attach(driver, session, ended);
    tellOpen(this.#client, this.#link.about, established);
    for (const waiter of this.#waiters) waiter.resolve();
    if (ended !== undefined) this.#client.emitSafely("error", ended);
    if (carried !== undefined) this.#tellOf(carried, carried.wasResumable);
    this.#link.progressed();
    let wasUsed = false;
    return {
      message: ({ type, data, position }) => {
        wasUsed = true;
        this.#link.heard(type, data);
        this.#client.inbox.deliver(new Message(type, data), this.#link, position);
      },
      request: (event) => this.#link.received(event),
      progressed: () => this.#link.progressed(),
      closed: (error) => this.#lost({ error, wasUsed }),
    };
  };

  #tellOf({ lost, messageErrors }: Carried, lostSomething: boolean): void {
    if (lostSomething) tellSessionLost(this.#client, this.#link.about, lost);
    for (const error of messageErrors) this.#client.emitSafely("error", error);
  }

  #lost(lost: LostConnection): void {
    const { error } = lost;
    publishLost(this.#link.about, error);
    if (this.#shutdown.hasBegun) {
      this.#link.detach();
      if (error !== undefined) this.#client.emitSafely("error", error);
      return;
    }
    this.#lastError = error ?? lostUnsent();
    if (!this.#options.retry) {
      this.#finish(error);
      return;
    }
    let carried: Carried | undefined;
    if (this.#link.session?.isResumable && isResumable(error)) this.#link.detach();
    else carried = this.#link.lose(error ?? lostUnsent());
    this.#client.setStatus("reconnecting");
    if (error !== undefined) this.#client.emitSafely("error", error);
    if (carried !== undefined) this.#tellOf(carried, isAnythingLost(carried.lost));
    // The queue may be gone, so there is room.
    this.#link.progressed();
    this.#connector.reestablish(lost, this.#takeOver, this.#stop.signal).catch((failure: unknown) => {
      if (!this.#shutdown.hasBegun) this.#fail(failure);
    });
  }

  #retrying(retry: Retry, isNews: boolean): void {
    if (retry.error !== undefined) this.#lastError = retry.error;
    if (channels.retrying.hasSubscribers) channels.retrying.publish({ ...this.#link.about, ...retry });
    if (isNews) this.#client.emitSafely("error", retry.error);
    this.#client.emitSafely("retrying", retry);
  }

  #closed(error: Error | undefined): void {
    publishClosed(this.#link.about, this.#client.status, error);
    this.#client.tellClosed();
  }

  #fail(error: unknown): void {
    this.#finish(isError(error) ? error : new Error("aborted", { cause: error }));
  }

  /** Without a failure, the server has closed in order. */
  #finish(failure: Error | undefined): void {
    this.#end = { failure };
    this.#lastError = failure ?? this.#lastError;
    this.#client.inbox.end(failure, "keep");
    const lost = this.#link.end(failure ?? lostUnsent());
    for (const waiter of this.#waiters) waiter.reject(failure ?? closedError());
    this.#client.setStatus(statusAfter(failure));
    if (isAnythingLost(lost)) tellSessionLost(this.#client, this.#link.about, lost);
    if (failure instanceof SealpipeError) this.#client.emitSafely("error", failure);
    void this.#connector.whenReleased.then(() => this.#closed(failure));
  }
}

function statusAfter(failure: Error | undefined): Status {
  if (failure === undefined) return "disconnected";
  // The reason of the caller's signal.
  if (!(failure instanceof SealpipeError)) return "closed";
  return failure.code === "ERR_CONNECT_TIMEOUT" ? "timeout" : "error";
}

function lostUnsent(): PeerError {
  return new PeerError("ERR_CONNECTION_LOST", "the connection was lost before everything written had left");
}
