import {
  type About,
  aboutNobody,
  isTraced,
  publishData,
  type Traced,
  traced,
  tracings,
} from "../diagnostics.ts";
import { failureOf } from "../requests/request-failure.ts";
import type { Stream } from "./stream.ts";

/**
 * Handles streams of one type that the peer opens. When its promise settles, this end's direction ends, and the peer's items
 * that are unread are dropped; what it throws resets the stream, as a request's handler rejects the request.
 */
export type StreamHandler<S extends Stream = Stream> = (stream: S) => Promise<void> | void;

export interface StreamHandlingOptions {
  /** Whose they are, for diagnostics. */
  readonly about?: About;
  readonly exposeStacks: boolean;
  /**
   * Max number of handlers that run at a time: a peer may reset a stream whose handler goes on, and open the next, which then
   * waits.
   */
  readonly maxConcurrentStreams: number;
}

/** Streams that the peer has opened: their handlers run, or wait for one that runs. */
export class HandledStreams<S extends Stream> {
  readonly #options: StreamHandlingOptions;
  #running = 0;
  /** In order. Those that are over are not among them. */
  readonly #waiting = new Map<S, StreamHandler<S>>();

  constructor(options: StreamHandlingOptions) {
    this.#options = options;
  }

  handle(stream: S, handler: StreamHandler<S>): void {
    this.#waiting.set(stream, handler);
    this.#runNext();
  }

  over(stream: S): void {
    this.#waiting.delete(stream);
  }

  #runNext(): void {
    if (this.#running >= this.#options.maxConcurrentStreams) return;
    for (const [stream, handler] of this.#waiting) {
      this.#waiting.delete(stream);
      void this.#run(handler, stream);
      return;
    }
  }

  async #run(handler: StreamHandler<S>, stream: S): Promise<void> {
    this.#running += 1;
    try {
      await this.#call(handler, stream);
      stream.end();
      stream.stop();
    } catch (error) {
      // A write is how a handler finds out that the peer wants no more: letting that error through is an end in order.
      if ((error as { code?: unknown } | undefined)?.code === "ERR_STREAM_STOPPED") stream.stop();
      else stream.reset(failureOf(error, this.#options.exposeStacks));
    } finally {
      this.#running -= 1;
      this.#runNext();
    }
  }

  #call(handler: StreamHandler<S>, stream: S): Promise<void> | void {
    if (!isTraced(tracings.streamHandler)) return handler(stream);
    const { id, type, data, context } = stream;
    const about = this.#options.about ?? aboutNobody;
    const event: Traced = { ...about, type, bytes: data.length, stream: id, context };
    return traced(tracings.streamHandler, event, async () => {
      publishData({ of: event, kind: "stream", isSent: false, data });
      return handler(stream);
    });
  }
}
