import { RemoteError } from "../../errors.ts";
import { clearTimeout, setImmediate, setTimeout } from "../../transport/timers.ts";
import { type MessageData, toBytes } from "../messages/message.ts";
import { type ParsedRequestOptions, parseRequestOptions, type RequestOptions } from "../options/options.ts";
import { onAbort } from "../reading/abort-listeners.ts";
import { Answer } from "./request.ts";
import { notConnected, requestTimeout } from "./request-errors.ts";
import type { ReceivedAnswer, ReceivedFailure, RequestWire } from "./request-wire.ts";

interface PendingRequest {
  /** It changes if the request goes on in another session. */
  id: number;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
  /** Removes the timer and the listener, if there are any. */
  release: (() => void) | undefined;
}

/** What became of a request that a lost session had not sent: its id in the next session, or why it cannot be asked there. */
export type Resent = { readonly id: number } | { readonly error: unknown };

type OutgoingWire = Pick<RequestWire, "ask" | "cancel" | "isConnected">;

const none: ReadonlyMap<number, Resent> = new Map();

/** What we have asked the peer and has no answer yet. Each promise settles. */
export class OutgoingRequests {
  readonly #wire: OutgoingWire;
  readonly #timeoutMs: number;
  readonly #pending = new Map<number, PendingRequest>();
  #ending: { readonly error: unknown } | undefined;

  /** `timeoutMs`: of requests that do not say so themselves. */
  constructor(wire: OutgoingWire, timeoutMs = 0) {
    this.#wire = wire;
    this.#timeoutMs = timeoutMs;
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
      const parsed = parseRequestOptions(options, this.#timeoutMs);
      this.#throwIfEnded();
      if (parsed.signal?.aborted) throw parsed.signal.reason;
      if (parsed.ifDisconnected === "fail" && !this.#wire.isConnected) throw notConnected();
      const id = this.#wire.ask(type, toBytes(data));
      // What is asked of a peer that is away may be one byte too many that is kept for it.
      this.#throwIfEnded();
      return this.#waitFor(id, parsed);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  answered({ id, data }: ReceivedAnswer): void {
    this.#take(id)?.resolve(new Answer(data));
  }

  failed({ id, code, message, data }: ReceivedFailure): void {
    this.#take(id)?.reject(new RemoteError(code, message, { data }));
  }

  /** The session is lost: requests that are not `resent` in the next are rejected with `error`. */
  lost(error: unknown, resent: ReadonlyMap<number, Resent> = none): void {
    const before = [...this.#pending.values()];
    this.#pending.clear();
    for (const pending of before) {
      const next = resent.get(pending.id) ?? { error };
      if ("id" in next) {
        pending.id = next.id;
        this.#pending.set(next.id, pending);
      } else {
        pending.release?.();
        pending.reject(next.error);
      }
    }
  }

  /** As `lost`, for all now and later. */
  end(error: unknown): void {
    this.#ending ??= { error };
    this.lost(error);
  }

  #throwIfEnded(): void {
    if (this.#ending !== undefined) throw this.#ending.error;
  }

  #waitFor(id: number, options: ParsedRequestOptions): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const pending: PendingRequest = { id, resolve, reject, release: undefined };
      this.#pending.set(id, pending);
      if (options.signal !== undefined || options.timeoutMs > 0) this.#watch(pending, options);
    });
  }

  #watch(pending: PendingRequest, { signal, timeoutMs }: ParsedRequestOptions): void {
    const giveUp = (reason: unknown): void => {
      if (this.#pending.get(pending.id) !== pending) return;
      this.#take(pending.id);
      pending.reject(reason);
      this.#wire.cancel(pending.id);
    };
    // Timers run before the sockets are read: if our own event loop was late, an answer that came in time is read.
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
