import type { EventCarrier, EventSink, EventTopic } from "../../contract/event-carrier.ts";
import type { Client, Server, Status } from "../../index.ts";
import type { NatsConnection } from "../connection.ts";
import { subjectsOf } from "../subjects.ts";
import { isConnected } from "./connectedness.ts";
import { DurablePublisher } from "./durable-publisher.ts";
import { DurableSubscriber } from "./durable-subscriber.ts";
import { FanOutPublisher, hearFanOut } from "./fan-out.ts";
import type { Protection } from "./sealing.ts";
import { streamOf } from "./stream-name.ts";

export interface KeepOptions {
  readonly replicas: number;
  readonly keepTimeoutMs: number;
}

/** Statuses in which a client stays. */
const over: ReadonlySet<Status> = new Set<Status>(["closed", "disconnected", "error", "timeout"]);

const keyLabel = "sealpipe events";

/** Carries events of contracts over one connection to NATS, for one name. */
export class NatsEvents implements EventCarrier {
  readonly #nats: NatsConnection;
  readonly #name: string;
  readonly #keeping: KeepOptions;
  readonly #stops = new WeakMap<Client, Set<() => void>>();
  readonly #publishers = new Map<string, FanOutPublisher | DurablePublisher>();

  constructor(nats: NatsConnection, name: string, keeping: KeepOptions) {
    this.#nats = nats;
    this.#name = name;
    this.#keeping = keeping;
    // From now on it is watched.
    isConnected(nats);
  }

  publish(from: Server, topic: EventTopic, data: Uint8Array): Promise<void> | undefined {
    return this.#publisher(from, topic).publish(data);
  }

  subscribe(to: Client, topic: EventTopic, sink: EventSink): () => void {
    const subject = this.#subject(topic);
    const protection = protectionOf(to, subject, topic);
    const stops = this.#stopsOf(to);
    if (over.has(to.status)) return () => {};
    const stop = this.#hear(subject, { topic, protection, sink });
    stops.add(stop);
    return () => {
      if (stops.delete(stop)) stop();
    };
  }

  /** What ends with the client: one listener to its end, however many events it hears. */
  #stopsOf(client: Client): Set<() => void> {
    const known = this.#stops.get(client);
    if (known !== undefined) return known;
    const stops = new Set<() => void>();
    this.#stops.set(client, stops);
    client.once("close", () => {
      for (const stop of stops) stop();
      stops.clear();
    });
    return stops;
  }

  #hear(
    subject: string,
    { topic, protection, sink }: { topic: EventTopic; protection: Protection; sink: EventSink },
  ): () => void {
    if (topic.event.durable === undefined) return hearFanOut(this.#nats, subject, { protection, sink });
    const stream = streamOf(subject);
    const subscriber = new DurableSubscriber(this.#nats, { subject, stream, protection, sink });
    void subscriber.run();
    return () => subscriber.stop();
  }

  #publisher(from: Server, topic: EventTopic): FanOutPublisher | DurablePublisher {
    const subject = this.#subject(topic);
    const known = this.#publishers.get(subject);
    if (known !== undefined) return known;
    const protection = protectionOf(from, subject, topic);
    const { durable: retention } = topic.event;
    const made =
      retention === undefined
        ? new FanOutPublisher(this.#nats, subject, protection)
        : new DurablePublisher(
            this.#nats,
            { ...this.#keeping, subject, stream: streamOf(subject), retention },
            protection,
          );
    this.#publishers.set(subject, made);
    return made;
  }

  #subject({ contract, name, event }: EventTopic): string {
    const { events, kept } = subjectsOf(this.#name);
    return `${event.durable === undefined ? events : kept}${tokenOf(contract)}.${name}`;
  }
}

/** Letters, digits, `-` and `_` as they are, other bytes of its UTF-8 as `%` and two digits. */
function tokenOf(text: string): string {
  return [...Buffer.from(text, "utf8")]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[A-Za-z0-9_-]/.test(character) ? character : `%${byte.toString(16).padStart(2, "0")}`;
    })
    .join("");
}

function protectionOf(endpoint: Server | Client, subject: string, { codec, event }: EventTopic): Protection {
  return { key: endpoint.deriveKey(keyLabel), topic: `${subject} ${event.number} ${codec}` };
}
