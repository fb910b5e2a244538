import { Client, type Connection, PeerError, SealpipeError, SystemError } from "../index.ts";
import { carrierOf, isBySubject } from "./event-carrier.ts";
import { type EventReceiver, IncomingEvents } from "./events.ts";
import { tell } from "./tell.ts";

/**
 * Has what carries the client's events give those of one kind to `receiver`, if they go by subject.
 *
 * @returns Ends it.
 */
export function subscribe(
  endpoint: Client | Connection,
  contract: string,
  receiver: EventReceiver,
): (() => void) | undefined {
  const { event, name, codec, concerned } = receiver;
  if (!isBySubject(event) || !(endpoint instanceof Client)) return undefined;
  const incoming = IncomingEvents.of(endpoint);
  return carrierOf(endpoint)?.subscribe(
    endpoint,
    { contract, codec: codec.name, name, event },
    {
      deliver: (data) => incoming.take(receiver, data),
      lost: (count) => tell(concerned, lostError(name, count), false),
      failed: (error) => tell(concerned, failedError(name, error), false),
    },
  );
}

function lostError(name: string, count: number): PeerError {
  const many = count === 1 ? "an event" : `${count} events`;
  return new PeerError("ERR_EVENTS_LOST", `${many} "${name}" did not arrive`);
}

function failedError(name: string, error: Error): SealpipeError {
  if (error instanceof SealpipeError) return error;
  const message = `events "${name}" cannot be heard: ${error.message}`;
  return new SystemError("ERR_EVENTS_UNAVAILABLE", message, { cause: error });
}
