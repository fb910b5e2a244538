import { type Client, type Connection, type Message, PeerError, SealpipeError } from "../index.ts";
import type { Codec } from "./codec.ts";
import { ContractError } from "./contract-error.ts";
import { decode } from "./data.ts";
import { InOrder } from "./in-order.ts";
import type { Event } from "./members.ts";
import { type Concerned, tell } from "./tell.ts";
import { issuesText, type Validation } from "./validation.ts";

/** What becomes of one of the events that arrive at an endpoint. */
export interface EventReceiver {
  readonly name: string;
  readonly event: Event;
  readonly codec: Codec;
  readonly concerned: Concerned;
  /** Once it fits. What it returns is waited for by nobody; what it rejects with is told as of any listener. */
  deliver(value: unknown): void | Promise<void>;
}

/** What messages come by: a client, or a server's connection. */
type Source = Client | Connection;

/** The same for both, as far as it is needed here. */
interface Messages {
  on(event: "message", listener: (message: Message) => unknown): unknown;
  off(event: "message", listener: (message: Message) => unknown): unknown;
  listenerCount(event: "message"): number;
}

/** Most events that wait for schemas that take their time, where there are others who listen. */
const maxWaiting = 10_000;

/** The events that arrive at one endpoint, of all contracts that it has to do with. */
export class IncomingEvents {
  static readonly #all = new WeakMap<Source, IncomingEvents>();
  readonly #source: Source;
  /** The server's are for what has none of its own, as its handlers of requests are. */
  readonly #receivers = { own: new Map<number, EventReceiver>(), servers: new Map<number, EventReceiver>() };
  readonly #order = new InOrder();
  readonly #toldOf = new Set<EventReceiver>();
  #waiting = 0;
  #listens = false;

  static of(source: Source): IncomingEvents {
    const known = IncomingEvents.#all.get(source) ?? new IncomingEvents(source);
    IncomingEvents.#all.set(source, known);
    return known;
  }

  private constructor(source: Source) {
    this.#source = source;
  }

  /** From now on the messages of the endpoint are taken. */
  add(receivers: readonly EventReceiver[], whose: "own" | "servers"): void {
    for (const receiver of receivers) this.#receivers[whose].set(receiver.event.number, receiver);
    if (!this.#listens) this.#listen();
  }

  /**
   * An event that came beside the messages. Settles once a schema that takes its time is done, and never rejects.
   */
  take(receiver: EventReceiver, data: Uint8Array): Promise<void> | undefined {
    const validation = decode(receiver.codec, receiver.event.data, data);
    try {
      const delivered = this.#order.run(validation, (settled) => this.#deliver(receiver, settled));
      if (delivered instanceof Promise) delivered.catch((error) => mistaken(receiver, error));
    } catch (error) {
      mistaken(receiver, error);
    }
    return this.#order.waiting?.then(() => {});
  }

  remove(events: readonly Event[], whose: "own" | "servers"): void {
    for (const { number } of events) this.#receivers[whose].delete(number);
  }

  get #messages(): Messages {
    return this.#source as unknown as Messages;
  }

  #listen(): void {
    this.#listens = true;
    this.#messages.on("message", this.#received);
  }

  /** Of other types other listeners may know. */
  readonly #received = ({ type, data }: Message): unknown => {
    const receiver = this.#receivers.own.get(type) ?? this.#receivers.servers.get(type);
    if (receiver === undefined) return undefined;
    const validation = decode(receiver.codec, receiver.event.data, data);
    const delivered = this.#order.run(validation, (settled) => this.#deliver(receiver, settled));
    if (this.#order.waiting !== undefined) this.#wait(this.#order.waiting);
    return delivered;
  };

  #deliver(receiver: EventReceiver, validation: Validation): void | Promise<void> {
    if (validation.fits) return receiver.deliver(validation.value);
    const { issues, bug } = validation;
    const { name, event, concerned } = receiver;
    // Each once only, so that no peer fills a log.
    if (this.#toldOf.has(receiver)) return undefined;
    this.#toldOf.add(receiver);
    const about = { member: event, code: "ERR_INVALID_INPUT", data: issues };
    const message = `an event "${name}" was dropped: ${issuesText(issues)}`;
    const error = new ContractError(about, message, bug && { cause: bug.thrown });
    tell(concerned, error, bug !== undefined);
    return undefined;
  }

  /** Takes no further messages until the schema is done, so that they hold up the peer and not our memory. */
  #wait(until: Promise<unknown>): void {
    this.#messages.off("message", this.#received);
    const alone = this.#messages.listenerCount("message") === 0;
    this.#waiting += 1;
    if (!alone) this.#listen();
    void until.then(() => {
      this.#waiting -= 1;
      if (alone) this.#listen();
    });
    if (this.#waiting > maxWaiting) {
      const message = `${maxWaiting} events wait for a schema that takes its time`;
      this.#source.destroy(new PeerError("ERR_QUEUE_FULL", message));
    }
  }
}

/** A listener's own mistake is not to stay unseen; what the peer caused is no mistake. */
function mistaken({ concerned }: EventReceiver, error: unknown): void {
  if (error instanceof SealpipeError && error.fault !== "caller") tell(concerned, error, false);
  else
    setImmediate(() => {
      throw error;
    });
}
