import { setTimeout as pause } from "node:timers/promises";
import type { ConsumerMessages, DeliverPolicy, JsMsg, StreamInfo } from "@nats-io/jetstream";
import type { EventSink } from "../../contract/event-carrier.ts";
import { PeerError } from "../../index.ts";
import type { NatsConnection } from "../connection.ts";
import { type JetStream, jetStreamOf, streamInfo, unavailable } from "./jet-stream.ts";
import { EventOpener, type Protection } from "./sealing.ts";

/** Pauses between tries, in milliseconds, which double. */
const minPauseMs = 50;
const maxPauseMs = 5_000;

/** How often JetStream says that it is there, in milliseconds. */
const heartbeatMs = 1_000;

const maxSilenceMs = heartbeatMs * 4;

/** What says that there is no such consumer any more. */
const lost = new Set<string>([
  "heartbeats_missed",
  "consumer_not_found",
  "consumer_deleted",
  "stream_not_found",
]);

/** How many events are on the way before the first of them is delivered. */
const maxAhead = 100;

export interface Heard {
  readonly subject: string;
  /** The stream of JetStream. */
  readonly stream: string;
  readonly protection: Protection;
  readonly sink: EventSink;
}

/** Hears the events of one topic that JetStream keeps: the last, and all after it. */
export class DurableSubscriber {
  readonly #nats: NatsConnection;
  readonly #heard: Heard;
  readonly #opener: EventOpener;
  readonly #stop = new AbortController();
  /** The position of the next; `undefined` until it is known. */
  #next: number | undefined;
  /** When the stream was made to which the position belongs. */
  #created: string | undefined;
  #messages: ConsumerMessages | undefined;
  #hasRefused = false;
  #hasFailed = false;

  constructor(nats: NatsConnection, heard: Heard) {
    this.#nats = nats;
    this.#heard = heard;
    this.#opener = new EventOpener(heard.protection);
  }

  stop(): void {
    this.#stop.abort();
    this.#messages?.stop();
  }

  /** Settles once it is stopped, or its connection to NATS closed; never rejects. */
  async run(): Promise<void> {
    let pauseMs = minPauseMs;
    while (!this.#isOver) {
      try {
        const before = this.#next;
        await this.#hear(await jetStreamOf(this.#nats));
        if (this.#next !== before) pauseMs = minPauseMs;
      } catch (error) {
        this.#failed(error);
      }
      if (this.#isOver) return;
      await this.#pause(pauseMs);
      pauseMs = Math.min(pauseMs * 2, maxPauseMs);
    }
  }

  /** Not longer than until something is published. */
  async #pause(ms: number): Promise<void> {
    const published = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, published.signal]);
    const subscription = this.#nats.isClosed()
      ? undefined
      : this.#nats.subscribe(this.#heard.subject, { callback: () => published.abort() });
    await pause(ms, undefined, { ref: false, signal }).catch(() => {});
    if (!this.#nats.isClosed()) subscription?.unsubscribe();
  }

  get #isOver(): boolean {
    return this.#stop.signal.aborted || this.#nats.isClosed();
  }

  /** Until something breaks. If there is no stream yet, no server has published. */
  async #hear({ client, manager }: JetStream): Promise<void> {
    const info = await streamInfo(manager, this.#heard.stream);
    if (info === undefined) {
      // It hears all that will be, from the first.
      this.#next ??= 1;
      return;
    }
    if (this.#isOver) return;
    const consumer = await client.consumers.get(this.#heard.stream, {
      deliver_policy: "by_start_sequence" as DeliverPolicy,
      opt_start_seq: this.#startIn(info),
    });
    const messages = await consumer.consume({
      idle_heartbeat: heartbeatMs,
      max_messages: maxAhead,
      abort_on_missing_resource: true,
    });
    this.#messages = messages;
    if (this.#isOver) messages.stop();
    const unwatch = this.#watch(messages);
    try {
      for await (const message of messages) {
        if (this.#isOver) break;
        this.#hasFailed = false;
        await this.#arrived(message);
      }
    } finally {
      unwatch();
      messages.stop();
    }
    // It ends by itself too, if the node that has it cannot be asked.
    void consumer.delete().catch(() => {});
  }

  /**
   * Ends the messages if JetStream is silent, whatever has become of the consumer: another begins where this one was. JetStream sends
   * heartbeats while there is nothing else.
   */
  #watch(messages: ConsumerMessages): () => void {
    let heardAt = Date.now();
    let received = messages.getReceived();
    const timer = setInterval(() => {
      if (messages.getReceived() > received) heardAt = Date.now();
      received = messages.getReceived();
      if (Date.now() - heardAt > maxSilenceMs) messages.stop();
    }, heartbeatMs).unref();
    const heed = async (): Promise<void> => {
      for await (const { type } of messages.status()) {
        if (type === "heartbeat") heardAt = Date.now();
        if (lost.has(type)) messages.stop();
      }
    };
    heed().catch(() => messages.stop());
    return () => clearInterval(timer);
  }

  #startIn({ created, state }: StreamInfo): number {
    const isAnother = this.#created !== undefined && this.#created !== created;
    // Of what the former stream had last, nobody knows how much there was.
    if (isAnother) this.#heard.sink.lost(1);
    if (isAnother || this.#next === undefined)
      this.#next = state.messages > 0 ? state.last_seq : state.last_seq + 1;
    this.#created = created;
    return this.#next;
  }

  async #arrived({ seq, data }: JsMsg): Promise<void> {
    const next = this.#next ?? seq;
    if (seq < next) return;
    this.#next = seq + 1;
    const { sink, subject } = this.#heard;
    if (seq > next) sink.lost(seq - next);
    const opened = this.#opener.open(data);
    if (opened?.stamp === seq) {
      await sink.deliver(opened.data);
      return;
    }
    if (this.#hasRefused) return;
    this.#hasRefused = true;
    const what =
      opened === undefined ? "was not made with this channel's secret" : "was made for another position";
    sink.failed(new PeerError("ERR_DECRYPTION_FAILED", `an event that is kept of ${subject} ${what}`));
  }

  /** Once, until it is heard again. */
  #failed(error: unknown): void {
    if (this.#isOver || this.#hasFailed) return;
    this.#hasFailed = true;
    this.#heard.sink.failed(unavailable(`events on ${this.#heard.subject} cannot be heard`, error));
  }
}
