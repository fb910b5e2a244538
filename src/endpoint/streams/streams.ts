import { checkType } from "../../protocol/message.ts";
import type { SessionStreams, StreamEvent } from "../../protocol/session.ts";
import {
  type About,
  aboutNobody,
  bytesOf,
  channels,
  dataChannel,
  failed,
  isTraced,
  publishData,
  settled,
  type Traced,
  tracings,
} from "../diagnostics.ts";
import type { Handlers } from "../handlers.ts";
import { type MessageData, toBytes } from "../messages/message.ts";
import {
  type OpenStreamOptions,
  type ParsedOpenStreamOptions,
  parseOpenStreamOptions,
} from "../options/call-options.ts";
import { ownContext } from "../options/trace-context.ts";
import { onAbort } from "../reading/abort-listeners.ts";
import { HandledStreams, type StreamHandler, type StreamHandlingOptions } from "./handled-streams.ts";
import type { Stream, StreamStart, StreamWire } from "./stream.ts";

export interface StreamsOptions<S extends Stream> extends StreamHandlingOptions {
  readonly streamHandlers: Handlers<StreamHandler<S>>;
  readonly maxQueuedBytes: number;
  makeStream(start: StreamStart, wire: StreamWire): S;
}

/** The part of a link that streams need. */
interface StreamLink {
  /** The streams of the present session; `undefined` while there is none. @throws PeerError if the peer has no streams */
  readonly streams: SessionStreams | undefined;
  /** The session may have something to send. */
  said(): void;
}

/** A stream that waits to be opened. */
interface Opening<S> extends Omit<StreamStart, "id"> {
  resolve(stream: S): void;
  reject(error: unknown): void;
}

/** The streams between this end and its peer, over one connection after another. */
export class Streams<S extends Stream> {
  readonly #link: StreamLink;
  readonly #options: StreamsOptions<S>;
  readonly #streams = new Map<number, S>();
  /** What is to be done once a stream is over. */
  readonly #releases = new Map<number, () => void>();
  /** Of streams that this end has opened and that are traced: what is said once they are over. */
  readonly #traces = new Map<number, Traced>();
  /** In order: they wait for a session, or until the peer accepts another stream. */
  readonly #openings = new Set<Opening<S>>();
  /** How the streams of the present session reach the peer. */
  #wire: { readonly of: SessionStreams; readonly wire: StreamWire } | undefined;
  /** Streams that wait although they have credit: more than `maxQueuedBytes` of all of them is on its way. */
  readonly #congested = new Set<number>();
  readonly #handled: HandledStreams<S>;
  #ending: { readonly error: unknown } | undefined;

  constructor(link: StreamLink, options: StreamsOptions<S>) {
    this.#link = link;
    this.#options = options;
    this.#handled = new HandledStreams(options);
  }

  /** Rejects on any error, and never throws. */
  async open(type: number, data: MessageData, options?: OpenStreamOptions): Promise<S> {
    const parsed = parseOpenStreamOptions(options);
    if (!isTraced(tracings.stream)) return this.#begin(type, data, parsed);
    const event: Traced = { ...this.#about, type, bytes: bytesOf(data), context: parsed.context };
    // Its trace is over when the stream is, and not once it is open.
    return tracings.stream.start.runStores(event, async () => {
      try {
        const context = parsed.context ?? ownContext(event.context);
        publishData({ of: event, kind: "stream", isSent: true, data });
        const stream = await this.#begin(type, data, { ...parsed, context });
        event.stream = stream.id;
        if (this.#streams.get(stream.id) === stream) this.#traces.set(stream.id, event);
        else settled(tracings.stream, event);
        return stream;
      } catch (error) {
        failed(tracings.stream, event, error);
        settled(tracings.stream, event);
        throw error;
      }
    });
  }

  async #begin(type: number, data: MessageData, { signal, context }: ParsedOpenStreamOptions): Promise<S> {
    checkType(type);
    const bytes = toBytes(data);
    if (this.#ending !== undefined) throw this.#ending.error;
    if (signal?.aborted) throw signal.reason;
    const streams = this.#openings.size === 0 ? this.#free : undefined;
    const stream =
      streams === undefined
        ? await this.#wait({ type, data: Uint8Array.from(bytes), context }, signal)
        : this.#open(streams, { type, data: bytes, context });
    if (signal !== undefined) this.#resetOnAbort(stream, signal);
    return stream;
  }

  /** The peer opens a stream, or an event of one has arrived. */
  received(event: StreamEvent): void {
    if (event.kind === "stream") {
      this.#handle(event);
      return;
    }
    if (event.kind === "stream-credit" && channels.window.hasSubscribers) {
      channels.window.publish({ ...this.#about, stream: event.id, isFull: false });
    }
    if (event.kind === "item" && dataChannel.hasSubscribers) this.#tellItem(event.id, false, event.data);
    // The peer may have sent it before it knew that the stream is over here.
    this.#streams.get(event.id)?.received(event);
    if (event.kind !== "item") this.openWaiting();
  }

  /** The peer may accept streams that wait to be opened. */
  openWaiting(): void {
    for (const opening of this.#openings) {
      try {
        const streams = this.#free;
        if (streams === undefined) return;
        opening.resolve(this.#open(streams, opening));
      } catch (error) {
        opening.reject(error);
      }
    }
  }

  /** Some of what was queued has arrived. */
  progressed(): void {
    if (this.#congested.size === 0 || this.#isCongested(this.#wire?.of)) return;
    const waiting = [...this.#congested];
    this.#congested.clear();
    for (const id of waiting) this.#streams.get(id)?.received({ kind: "stream-credit", id });
  }

  /** The session is lost, and its streams with it. Returns those that were open. */
  lost(error: unknown): readonly S[] {
    this.#wire = undefined;
    this.#congested.clear();
    const open = [...this.#streams.values()];
    for (const stream of open) stream.lost(error);
    return open;
  }

  /** As `lost`, and no further stream is opened. */
  end(error: unknown): readonly S[] {
    this.#ending = { error };
    const open = this.lost(error);
    for (const opening of [...this.#openings]) opening.reject(error);
    return open;
  }

  /** The session's streams, if one can be opened now. @throws PeerError if the peer has no streams */
  get #free(): SessionStreams | undefined {
    const { streams } = this.#link;
    return streams?.canOpen ? streams : undefined;
  }

  #open(streams: SessionStreams, { type, data, context }: Omit<StreamStart, "id">): S {
    const id = streams.open(type, data, context);
    this.#link.said();
    return this.#add(streams, { id, type, data: new Uint8Array(data), context });
  }

  #add(streams: SessionStreams, start: StreamStart): S {
    const stream = this.#options.makeStream(start, this.#wireOf(streams));
    this.#streams.set(start.id, stream);
    return stream;
  }

  async #wait(start: Omit<StreamStart, "id">, signal: AbortSignal | undefined): Promise<S> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        if (!this.#openings.delete(opening)) return;
        stop?.();
        act();
      };
      const opening: Opening<S> = {
        ...start,
        resolve: (stream) => settle(() => resolve(stream)),
        reject: (error) => settle(() => reject(error)),
      };
      this.#openings.add(opening);
      const stop = signal && onAbort(signal, () => opening.reject(signal.reason));
      // Rejects at once if the peer has no streams.
      this.openWaiting();
    });
  }

  #resetOnAbort(stream: S, signal: AbortSignal): void {
    const reset = () => stream.aborted(signal.reason);
    if (signal.aborted) reset();
    // One that had to wait may be over before its opener gets it, and its id another's.
    else if (this.#streams.get(stream.id) === stream) this.#releases.set(stream.id, onAbort(signal, reset));
  }

  #handle({ id, type, data, context }: StreamStart): void {
    const { streams } = this.#link;
    if (streams === undefined) return;
    const handler = this.#options.streamHandlers.find(type);
    if (handler !== undefined) {
      this.#handled.handle(this.#add(streams, { id, type, data, context }), handler);
      return;
    }
    streams.reset(id, { code: "ERR_NO_HANDLER", message: `nobody handles streams of type ${type}` });
    this.#link.said();
  }

  get #about(): About {
    return this.#options.about ?? aboutNobody;
  }

  #wireOf(streams: SessionStreams): StreamWire {
    if (this.#wire?.of !== streams) this.#wire = { of: streams, wire: this.#makeWire(streams) };
    return this.#wire.wire;
  }

  /** An application may hold a stream longer than its session lasts; the next session uses the same ids. */
  #makeWire(streams: SessionStreams): StreamWire {
    const link = this.#link;
    const say = (act: () => void): void => {
      act();
      link.said();
    };
    return {
      maxQueuedBytes: this.#options.maxQueuedBytes,
      write: (id, data) => {
        if (dataChannel.hasSubscribers) this.#tellItem(id, true, data);
        const hasCredit = streams.write(id, data);
        if (!hasCredit && channels.window.hasSubscribers)
          channels.window.publish({ ...this.#about, stream: id, isFull: true });
        link.said();
        if (!hasCredit || !this.#isCongested(streams)) return hasCredit;
        this.#congested.add(id);
        return false;
      },
      end: (id) => say(() => streams.end(id)),
      reset: (id, failure) => say(() => streams.reset(id, failure)),
      stopSending: (id) => say(() => streams.stopSending(id)),
      // For each item that is read: no function of its own.
      consumed: (id, weight) => {
        if (streams.consumed(id, weight)) link.said();
      },
      over: (id, failure) => this.#over(id, failure),
    };
  }

  #tellItem(id: number, isSent: boolean, data: Uint8Array): void {
    dataChannel.publish({ of: { ...this.#about, stream: id }, kind: "item", isSent, data });
  }

  /** A peer may give any credit, and read nothing: how much is kept for it is this end's to decide. */
  #isCongested(streams: SessionStreams | undefined): boolean {
    return streams !== undefined && streams.queuedBytes > this.#options.maxQueuedBytes;
  }

  #over(id: number, failure: { readonly error: unknown } | undefined): void {
    this.#handled.over(this.#streams.get(id) as S);
    this.#streams.delete(id);
    const trace = this.#traces.get(id);
    if (trace !== undefined) {
      this.#traces.delete(id);
      if (failure !== undefined) failed(tracings.stream, trace, failure.error);
      settled(tracings.stream, trace);
    }
    this.#congested.delete(id);
    this.#releases.get(id)?.();
    this.#releases.delete(id);
    this.openWaiting();
  }
}
