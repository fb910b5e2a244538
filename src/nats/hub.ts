import type { EventCarrier } from "../contract/event-carrier.ts";
import type { NatsConnection, NatsSubscription } from "./connection.ts";
import { NatsStream } from "./nats-stream.ts";

const hubs = new WeakMap<NatsConnection, Map<string, Hub>>();
const defaultMaxPayload = 1_048_576;

/** All streams of one NATS connection for one name. One subscription is theirs, so that none has to spread when one begins. */
export class Hub {
  readonly #nats: NatsConnection;
  readonly #prefix: string;
  readonly #streams = new Map<string, NatsStream>();
  #subscription: NatsSubscription | undefined;

  /** `to`: what subjects of ends begin with. */
  static of(nats: NatsConnection, to: string): Hub {
    const known = hubs.get(nats) ?? new Map<string, Hub>();
    hubs.set(nats, known);
    const hub = known.get(to) ?? new Hub(nats, to);
    known.set(to, hub);
    return hub;
  }

  private constructor(nats: NatsConnection, to: string) {
    this.#nats = nats;
    this.#prefix = `${to}${crypto.randomUUID()}.`;
    void this.#watch();
  }

  /** A stream of its own, beside which `events` go, to `peer` if that is known already. */
  open(events: EventCarrier, peer?: string): { readonly stream: NatsStream; readonly own: string } {
    this.#subscription ??= this.#nats.subscribe(`${this.#prefix}*`, {
      callback: (error, message) => {
        if (error === null) this.#streams.get(message.subject.slice(this.#prefix.length))?.arrived(message);
      },
    });
    const token = crypto.randomUUID();
    const own = `${this.#prefix}${token}`;
    const stream = new NatsStream(
      {
        own,
        events,
        maxPayload: this.#nats.info?.max_payload ?? defaultMaxPayload,
        publish: (subject, payload, reply) =>
          this.#nats.publish(subject, payload, reply === "" ? {} : { reply }),
        released: () => this.#released(token),
      },
      peer,
    );
    this.#streams.set(token, stream);
    return { stream, own };
  }

  #released(token: string): void {
    this.#streams.delete(token);
    if (this.#streams.size > 0) return;
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
  }

  /** What was on the way when the connection to NATS broke may be lost. */
  async #watch(): Promise<void> {
    for await (const { type } of this.#nats.status()) {
      if (type === "disconnect" || type === "slowConsumer") this.#breakAll(type);
    }
    this.#breakAll("close");
  }

  #breakAll(reason: string): void {
    const error = Object.assign(new Error(`the connection to NATS has told of: ${reason}`), {
      code: "ECONNRESET",
    });
    for (const stream of [...this.#streams.values()]) stream.destroy(error);
  }
}
