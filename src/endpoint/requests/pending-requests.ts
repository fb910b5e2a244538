import { RemoteError } from "../../errors.ts";
import { RequestIds } from "../../protocol/native/request-ids.ts";
import { type MessageData, toBytes } from "../messages/message.ts";
import { type ParsedRequestOptions, parseRequestOptions, type RequestOptions } from "../options/options.ts";
import { onAbort } from "../reading/abort-listeners.ts";
import { Answer } from "./request.ts";
import { requestTimeout } from "./request-errors.ts";
import type { ReceivedAnswer, ReceivedFailure, RequestWire } from "./request-wire.ts";

interface PendingRequest {
  resolve(answer: Answer): void;
  reject(error: unknown): void;
  /** Removes the timer and the listener, where there are any. */
  release: (() => void) | undefined;
}

/** What we have asked the peer and has no answer yet. Each promise settles. */
export class PendingRequests {
  readonly #wire: Pick<RequestWire, "sendRequest" | "sendCancel">;
  readonly #ids = new RequestIds();
  readonly #pending = new Map<number, PendingRequest>();
  #ending: { readonly error: unknown } | undefined;

  constructor(wire: Pick<RequestWire, "sendRequest" | "sendCancel">) {
    this.#wire = wire;
  }

  get count(): number {
    return this.#pending.size;
  }

  has(id: number): boolean {
    return this.#pending.has(id);
  }

  /** Rejects, and never throws, whatever is wrong. */
  request(type: number, data: MessageData, options?: RequestOptions): Promise<Answer> {
    try {
      const parsed = parseRequestOptions(options);
      if (this.#ending !== undefined) throw this.#ending.error;
      parsed.signal?.throwIfAborted();
      const bytes = toBytes(data);
      const id = this.#ids.next(this.#pending);
      this.#wire.sendRequest(id, type, bytes);
      return this.#waitFor(id, parsed);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  answered({ id, data }: ReceivedAnswer): void {
    this.#take(id)?.resolve(new Answer(data));
  }

  failed({ id, code, message }: ReceivedFailure): void {
    this.#take(id)?.reject(new RemoteError(code, message));
  }

  /** These, or all, will have no answer any more. */
  lost(error: unknown, ids: Iterable<number> = [...this.#pending.keys()]): void {
    for (const id of ids) this.#take(id)?.reject(error);
  }

  /** As `lost`, for all but these. */
  lostBut(error: unknown, kept: ReadonlySet<number> = new Set()): void {
    this.lost(
      error,
      [...this.#pending.keys()].filter((id) => !kept.has(id)),
    );
  }

  /** As `lost`, for all now and later. */
  end(error: unknown): void {
    this.#ending ??= { error };
    this.lost(error);
  }

  #waitFor(id: number, options: ParsedRequestOptions): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const pending: PendingRequest = { resolve, reject, release: undefined };
      this.#pending.set(id, pending);
      if (options.signal !== undefined || options.timeoutMs > 0) this.#watch(id, pending, options);
    });
  }

  #watch(id: number, pending: PendingRequest, { signal, timeoutMs }: ParsedRequestOptions): void {
    const giveUp = (reason: unknown): void => {
      if (this.#pending.get(id) !== pending) return;
      this.#take(id);
      pending.reject(reason);
      this.#wire.sendCancel(id);
    };
    // Timers run before the sockets are read: where our own event loop was late, an answer that came in time is read.
    const late = (): void => {
      setImmediate(() => giveUp(requestTimeout(timeoutMs)));
    };
    const timer = timeoutMs > 0 ? setTimeout(late, timeoutMs) : undefined;
    const stopListening = signal && onAbort(signal, () => giveUp(signal.reason));
    pending.release = () => {
      clearTimeout(timer);
      stopListening?.();
    };
  }

  #take(id: number): PendingRequest | undefined {
    const pending = this.#pending.get(id);
    if (pending === undefined) return undefined;
    this.#pending.delete(id);
    pending.release?.();
    return pending;
  }
}
