import type { EventSink } from "../../contract/event-carrier.ts";
import { CallerError, PeerError, SystemError } from "../../index.ts";
import type { NatsConnection } from "../connection.ts";
import { isConnected } from "./connectedness.ts";
import {
  EventOpener,
  EventSealer,
  eventOverheadBytes,
  type OpenedEvent,
  type Protection,
} from "./sealing.ts";

const defaultMaxPayload = 1_048_576;

/** How many bytes are published before whoever publishes is to wait until NATS has them. */
const breathBytes = 1_048_576;

/** How much the clocks of two machines may differ: what is older may have been recorded and sent again. */
const freshMs = 120_000;

/** How many publishers are remembered. */
const maxPublishers = 4_096;

/** How many events wait for schemas that take their time. */
const maxWaiting = 1_000;

/** @throws CallerError `ERR_MESSAGE_TOO_LARGE` if the event does not fit into a message of NATS. */
export function checkFits(nats: NatsConnection, data: Uint8Array): void {
  const max = (nats.info?.max_payload ?? defaultMaxPayload) - eventOverheadBytes;
  if (data.length <= max) return;
  throw new CallerError(
    "ERR_MESSAGE_TOO_LARGE",
    `an event of ${data.length} bytes is larger than the ${max} that NATS takes (max_payload)`,
  );
}

/** Publishes the events of one topic. */
export class FanOutPublisher {
  readonly #nats: NatsConnection;
  readonly #subject: string;
  readonly #sealer: EventSealer;
  #unflushed = 0;
  #flushing: Promise<void> | undefined;

  constructor(nats: NatsConnection, subject: string, protection: Protection) {
    this.#nats = nats;
    this.#subject = subject;
    this.#sealer = new EventSealer(protection);
  }

  /** A promise if NATS is to have what was published before there is more. */
  publish(data: Uint8Array): Promise<void> | undefined {
    try {
      this.#publish(data);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#flushing;
  }

  #publish(data: Uint8Array): void {
    checkFits(this.#nats, data);
    if (this.#nats.isClosed())
      throw new SystemError("ERR_EVENTS_UNAVAILABLE", "the connection to NATS is closed");
    // Kept until it is back, events would fill the memory, and be old. Whoever listens finds that one is missing.
    if (!isConnected(this.#nats)) {
      this.#sealer.skip();
      return;
    }
    this.#nats.publish(this.#subject, this.#sealer.seal(data, Date.now()));
    this.#unflushed += data.length + eventOverheadBytes;
    if (this.#unflushed < breathBytes) return;
    this.#unflushed = 0;
    const flushed = (): void => {
      this.#flushing = undefined;
    };
    this.#flushing ??= this.#nats.flush().then(flushed, flushed);
  }
}

/** Hears the events of one topic. Returns what ends it. */
export function hearFanOut(
  nats: NatsConnection,
  subject: string,
  { protection, sink }: { readonly protection: Protection; readonly sink: EventSink },
): () => void {
  const opener = new EventOpener(protection);
  const seen = new Publishers();
  let waiting = 0;
  let hasRefused = false;
  const refuse = (reason: string): void => {
    // Once, so that nobody fills a log.
    if (!hasRefused) sink.failed(new PeerError("ERR_DECRYPTION_FAILED", reason));
    hasRefused = true;
  };
  const subscription = nats.subscribe(subject, {
    callback: (error, { data }) => {
      if (error !== null) {
        sink.failed(error);
        return;
      }
      const opened = opener.open(data);
      if (opened === undefined) {
        refuse(`what came on ${subject} was not made with this channel's secret`);
        return;
      }
      const ageMs = Date.now() - opened.stamp;
      if (protection.key !== undefined && Math.abs(ageMs) > freshMs) {
        refuse(`an event on ${subject} is ${ageMs} ms old: it was sent again, or the clocks differ`);
        return;
      }
      const missing = seen.missingBefore(opened);
      if (missing === undefined) return;
      const more = waiting >= maxWaiting ? 1 : 0;
      if (missing + more > 0) sink.lost(missing + more);
      if (more > 0) return;
      const done = sink.deliver(opened.data);
      if (done === undefined) return;
      waiting += 1;
      void done.then(() => (waiting -= 1));
    },
  });
  return () => subscription.unsubscribe();
}

/** How far each publisher is. */
class Publishers {
  readonly #last = new Map<string, number>();

  /** How many of its events did not come before this one; `undefined` if this one has come already. */
  missingBefore({ publisher, counter }: OpenedEvent): number | undefined {
    const last = this.#last.get(publisher);
    if (last !== undefined && counter <= last) return undefined;
    // The one that was not heard of for the longest time is the first.
    this.#last.delete(publisher);
    this.#last.set(publisher, counter);
    if (this.#last.size > maxPublishers) this.#last.delete(this.#last.keys().next().value as string);
    return last === undefined ? 0 : counter - last - 1;
  }
}
