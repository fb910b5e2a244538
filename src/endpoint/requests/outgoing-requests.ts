import { RemoteError } from "../../errors.ts";
import { IdMap } from "../../protocol/id-map.ts";
import type { RequestContent } from "../../protocol/session.ts";
import { clearTimeout, setImmediate, setTimeout } from "../../transport/timers.ts";
import { clock } from "../clock.ts";
import {
  type About,
  aboutNobody,
  bytesOf,
  isTraced,
  publishData,
  type Traced,
  traced,
  tracings,
} from "../diagnostics.ts";
import { type MessageData, toBytes } from "../messages/message.ts";
import {
  type ParsedReadOptions,
  type ParsedRequestOptions,
  parseReadOptions,
  parseRequestOptions,
  type ReadOptions,
  type RequestOptions,
} from "../options/call-options.ts";
import { ownContext } from "../options/trace-context.ts";
import { onAbort } from "../reading/abort-listeners.ts";
import type { AskedRequests } from "../stats.ts";
import { Answer } from "./request.ts";
import { notConnected, requestTimeout } from "./request-errors.ts";
import type { ReceivedAnswer, ReceivedFailure, RequestWire } from "./request-wire.ts";

interface PendingRequest {
  /** Changes if the request goes on in another session. */
  id: number;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
  /** Removes the timer and the listener, if there are any. */
  release: (() => void) | undefined;
}

/** What happens to a request whose session is lost: its id in the next session, or why it goes no further. */
type Next = { readonly id: number } | { readonly error: unknown };

type OutgoingWire = Pick<RequestWire, "ask" | "askAdmin" | "cancel" | "isConnected">;

/** Requests of this end that have no answer yet. Each promise settles. */
export class OutgoingRequests {
  readonly #wire: OutgoingWire;
  readonly #timeoutMs: number;
  readonly #about: About;
  readonly #pending = new IdMap<PendingRequest>();
  readonly #counts = { answered: 0, failed: 0, timedOut: 0, aborted: 0, lost: 0 };
  /** The request whose answer is timed, if there is one: to read the clock for each would cost something. */
  #timed: PendingRequest | undefined;
  #timedSince = 0;
  #lastAnswerMs: number | undefined;
  #ending: { readonly error: unknown } | undefined;

  /** `timeoutMs`: for requests without one of their own. */
  constructor(wire: OutgoingWire, timeoutMs = 0, about = aboutNobody) {
    this.#about = about;
    this.#wire = wire;
    this.#timeoutMs = timeoutMs;
  }

  get count(): number {
    return this.#pending.size;
  }

  get stats(): AskedRequests {
    return { pending: this.#pending.size, ...this.#counts, lastAnswerMs: this.#lastAnswerMs };
  }

  /** Rejects on any error, and never throws. */
  request(type: number, data: MessageData, options?: RequestOptions): Promise<Answer> {
    try {
      const parsed = parseRequestOptions(options, this.#timeoutMs);
      if (isTraced(tracings.request)) return this.#traced(type, data, parsed);
      return this.#ask(type, data, parsed);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #ask(type: number, data: MessageData, parsed: ParsedRequestOptions): Promise<Answer> {
    this.#checkSends(parsed);
    return this.#waitFor(this.#wire.ask(type, toBytes(data), parsed.context), parsed);
  }

  #traced(type: number, data: MessageData, parsed: ParsedRequestOptions): Promise<Answer> {
    const event: Traced = { ...this.#about, type, bytes: bytesOf(data), context: parsed.context };
    return traced(tracings.request, event, async () => {
      // A subscriber may have begun a trace.
      const context = parsed.context ?? ownContext(event.context);
      publishData({ of: event, kind: "request", isSent: true, data });
      const answer = await this.#ask(type, data, { ...parsed, context });
      publishData({ of: event, kind: "answer", isSent: false, data: answer.data });
      event.answerBytes = answer.data.length;
      return answer;
    });
  }

  /** Like `request`, to the server's library itself, and only to one that is there. */
  admin(operation: number, data: Uint8Array, options?: ReadOptions): Promise<Answer> {
    try {
      const parsed = parseReadOptions(options, this.#timeoutMs);
      this.#checkSends({ ...parsed, ifDisconnected: "fail" });
      return this.#waitFor(this.#wire.askAdmin(operation, data), parsed);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  answered({ id, data }: ReceivedAnswer): void {
    const timed = this.#timed;
    const pending = this.#take(id);
    if (pending === undefined) return;
    this.#counts.answered += 1;
    if (pending === timed) this.#lastAnswerMs = clock.now() - this.#timedSince;
    pending.resolve(new Answer(data));
  }

  failed({ id, code, message, data }: ReceivedFailure): void {
    const pending = this.#take(id);
    if (pending === undefined) return;
    this.#counts.failed += 1;
    pending.reject(new RemoteError(code, message, { data }));
  }

  /** The session is lost: requests that it had not sent go on in the next one, and the others are rejected with `error`. */
  lost(error: unknown, unsent: readonly RequestContent[] = []): void {
    const before = this.#pending.values();
    const wanted = unsent.filter(({ id }) => this.#pending.has(id));
    const resent = new Map(wanted.map((request) => [request.id, this.#resend(request)]));
    this.#pending.clear();
    for (const pending of before) {
      const next: Next = resent.get(pending.id) ?? { error };
      if ("id" in next) {
        pending.id = next.id;
        this.#pending.add(next.id, pending);
      } else {
        this.#counts.lost += 1;
        if (pending === this.#timed) this.#timed = undefined;
        pending.release?.();
        pending.reject(next.error);
      }
    }
  }

  /** Like `lost`, for all present and later requests. */
  end(error: unknown): void {
    this.#ending ??= { error };
    this.lost(error);
  }

  #resend({ type, data, context }: RequestContent): Next {
    try {
      return { id: this.#wire.ask(type, data, context) };
    } catch (error) {
      return { error };
    }
  }

  /** Throws if nothing is to be sent. */
  #checkSends({ signal, ifDisconnected }: Omit<ParsedRequestOptions, "timeoutMs" | "context">): void {
    this.#throwIfEnded();
    if (signal?.aborted) throw signal.reason;
    if (ifDisconnected === "fail" && !this.#wire.isConnected) throw notConnected();
  }

  #throwIfEnded(): void {
    if (this.#ending !== undefined) throw this.#ending.error;
  }

  #waitFor(id: number, options: ParsedReadOptions): Promise<Answer> {
    // A request to a peer without a connection may exceed what is kept for it, which ends the session.
    this.#throwIfEnded();
    return new Promise((resolve, reject) => {
      const pending: PendingRequest = { id, resolve, reject, release: undefined };
      this.#pending.add(id, pending);
      if (this.#timed === undefined) this.#time(pending);
      if (options.signal !== undefined || options.timeoutMs > 0) this.#watch(pending, options);
    });
  }

  #time(pending: PendingRequest): void {
    this.#timed = pending;
    this.#timedSince = clock.now();
  }

  #watch(pending: PendingRequest, { signal, timeoutMs }: ParsedReadOptions): void {
    const giveUp = (outcome: "timedOut" | "aborted", reason: unknown): void => {
      if (this.#pending.get(pending.id) !== pending) return;
      this.#counts[outcome] += 1;
      this.#take(pending.id);
      pending.reject(reason);
      this.#wire.cancel(pending.id);
    };
    // Timers run before sockets are read: if the event loop was late, an answer that arrived in time is read first.
    const late = (): void => {
      setImmediate(() => giveUp("timedOut", requestTimeout(timeoutMs)));
    };
    const timer = timeoutMs > 0 ? setTimeout(late, timeoutMs) : undefined;
    const stopListening = signal && onAbort(signal, () => giveUp("aborted", signal.reason));
    pending.release = () => {
      clearTimeout(timer);
      stopListening?.();
    };
  }

  #take(id: number): PendingRequest | undefined {
    const pending = this.#pending.get(id);
    if (pending === undefined) return undefined;
    this.#pending.delete(id);
    if (pending === this.#timed) this.#timed = undefined;
    pending.release?.();
    return pending;
  }
}
