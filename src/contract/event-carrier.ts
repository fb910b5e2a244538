import type { Client, Connection, Server } from "../index.ts";
import type { Event } from "./members.ts";

// What carries events by subject instead of writing them for each connection. `sealpipe/nats` has one; this module knows none.

/** One event of a contract, as a carrier tells it from all others. */
export interface EventTopic {
  readonly contract: string;
  readonly codec: string;
  readonly name: string;
  readonly event: Event;
}

/** Who hears an event. */
export interface EventSink {
  /** The next does not come before a promise has settled, if the carrier can wait; never rejects. */
  deliver(data: Uint8Array): void | Promise<void>;
  /** That many have not arrived and will not. */
  lost(count: number): void;
  /** The carrier has refused what arrived, or cannot carry. */
  failed(error: Error): void;
}

export interface EventCarrier {
  /** Throws for what it does not take; rejects if a durable event may not have been kept. */
  publish(from: Server, topic: EventTopic, data: Uint8Array): Promise<void> | undefined;
  /** Returns what ends it, as the end of the client does. */
  subscribe(to: Client, topic: EventTopic, sink: EventSink): () => void;
}

/**
 * A property of a server, and of the duplex stream on which a connection stands, by which events go. A symbol that all copies of
 * this module share: the carrier's may be another.
 */
export const carriedBy: unique symbol = Symbol.for("sealpipe.events") as never;

/** What carries the events of a server, or of a client's or a server's connection. */
export function carrierOf(endpoint: Server | Client | Connection): EventCarrier | undefined {
  const at = "duplex" in endpoint ? endpoint.duplex : endpoint;
  return (at as { readonly [carriedBy]?: EventCarrier } | undefined)?.[carriedBy];
}

export function isBySubject({ fanOut, durable }: Event): boolean {
  return fanOut || durable !== undefined;
}
