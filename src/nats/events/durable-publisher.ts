import { setTimeout as pause } from "node:timers/promises";
import type { StreamInfo } from "@nats-io/jetstream";
import type { Retention } from "../../contract/delivery.ts";
import { PeerError } from "../../index.ts";
import type { NatsConnection } from "../connection.ts";
import { checkFits } from "./fan-out.ts";
import {
  answerMs,
  apiCode,
  codes,
  isPassing,
  type JetStream,
  jetStreamOf,
  streamInfo,
  unavailable,
} from "./jet-stream.ts";
import { EventSealer, type Protection } from "./sealing.ts";

/** How many events may wait for JetStream. */
const maxWaiting = 10_000;

const retryMs = 50;

/** JetStream drops what has an id that it had within this time, so that another try keeps nothing twice. */
const maxDuplicateWindowMs = 120_000;

export interface Kept {
  readonly subject: string;
  /** The stream of JetStream. */
  readonly stream: string;
  readonly retention: Retention;
  readonly replicas: number;
  /** How long an event is tried for, in milliseconds: less than JetStream remembers its id. */
  readonly keepTimeoutMs: number;
}

/** Has JetStream keep the events of one topic, one after the other. */
export class DurablePublisher {
  readonly #nats: NatsConnection;
  readonly #kept: Kept;
  readonly #sealer: EventSealer;
  #jetStream: Promise<JetStream> | undefined;
  /** The position of the last that is kept; `undefined` until it is known. */
  #last: number | undefined;
  #count = 0;
  #waiting = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(nats: NatsConnection, kept: Kept, protection: Protection) {
    this.#nats = nats;
    this.#kept = kept;
    this.#sealer = new EventSealer(protection);
  }

  /** Resolves once JetStream has it. */
  async publish(data: Uint8Array): Promise<void> {
    checkFits(this.#nats, data);
    if (this.#waiting >= maxWaiting)
      throw new PeerError("ERR_QUEUE_FULL", `${maxWaiting} events wait for JetStream`);
    this.#waiting += 1;
    const turn = this.#turn.then(() => this.#keep(data)).finally(() => (this.#waiting -= 1));
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #keep(data: Uint8Array): Promise<void> {
    const id = `${Buffer.from(this.#sealer.publisher).toString("hex")}-${this.#count}`;
    this.#count += 1;
    await this.#attempt(async () => {
      const { client } = await this.#connected();
      const last = await this.#position();
      // It says where it stands, so that nobody can put it elsewhere: a former one at the end, as if it were the last.
      const message = this.#sealer.seal(data, last + 1);
      const { seq } = await client.publish(this.#kept.subject, message, {
        msgID: id,
        expect: { streamName: this.#kept.stream, lastSequence: last },
        timeout: answerMs,
      });
      this.#last = Math.max(last, seq);
    });
  }

  /** Tries until it succeeds, the time is over, or another try makes no sense. */
  async #attempt(act: () => Promise<void>): Promise<void> {
    const until = Date.now() + Math.min(this.#kept.keepTimeoutMs, this.#duplicateWindowMs);
    for (;;) {
      try {
        await act();
        return;
      } catch (error) {
        // Somebody else has published, or the stream is another: look again.
        this.#last = undefined;
        const isOvertaken = (codes.wrongSequence as readonly number[]).includes(apiCode(error));
        const mends = isOvertaken || isPassing(error) || apiCode(error) === codes.streamNotFound;
        if (!mends || this.#nats.isClosed() || Date.now() >= until)
          throw unavailable(`an event on ${this.#kept.subject} was not kept`, error);
        if (!isOvertaken) await pause(retryMs);
      }
    }
  }

  #connected(): Promise<JetStream> {
    this.#jetStream ??= jetStreamOf(this.#nats).catch((error) => {
      this.#jetStream = undefined;
      throw error;
    });
    return this.#jetStream;
  }

  async #position(): Promise<number> {
    if (this.#last !== undefined) return this.#last;
    const { manager } = await this.#connected();
    const info = (await streamInfo(manager, this.#kept.stream)) ?? (await this.#makeStream());
    this.#last = info.state.last_seq;
    return this.#last;
  }

  /** JetStream has none longer than it keeps what it remembers. */
  get #duplicateWindowMs(): number {
    return Math.min(maxDuplicateWindowMs, this.#kept.retention.maxAgeMs ?? maxDuplicateWindowMs);
  }

  async #makeStream(): Promise<StreamInfo> {
    const { manager } = await this.#connected();
    const { stream, subject, replicas, retention } = this.#kept;
    const { maxEvents = 1_000, maxAgeMs = 0 } = retention;
    try {
      return await manager.streams.add({
        name: stream,
        description: "durable events of sealpipe",
        subjects: [subject],
        max_msgs: maxEvents,
        max_age: maxAgeMs * 1_000_000,
        num_replicas: replicas,
        duplicate_window: this.#duplicateWindowMs * 1_000_000,
      });
    } catch (error) {
      if (apiCode(error) !== codes.nameInUse) throw error;
      // Another server was first.
      return manager.streams.info(stream);
    }
  }
}
