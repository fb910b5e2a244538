import type { Duplex } from "node:stream";
import type { MakeDuplex } from "../index.ts";
import type { NatsConnection } from "./connection.ts";
import { NatsEvents } from "./events/carrier.ts";
import { keepDefaults } from "./events/keep-options.ts";
import { Hub } from "./hub.ts";
import { subjectsOf } from "./subjects.ts";

/** How long a server may take to answer that it takes a connection, in milliseconds. */
const openMs = 5_000;

/**
 * A client's `transport` to the servers of a name that are reached by NATS. A new session goes to one of them, which the queue
 * group chooses; after a connection was lost, the client comes back to the same server, and goes to another only if that one is
 * gone: then its session is lost, which a `session-lost` event reports.
 *
 * @param nats As `connect` of `@nats-io/transport-node` gives one. It stays the caller's to close, after the client.
 * @param name The name with which the servers call {@link serveOverNats}.
 */
export function natsTransport(nats: NatsConnection, name: string): MakeDuplex {
  const subjects = subjectsOf(name);
  const events = new NatsEvents(nats, name, keepDefaults);
  let last: string | undefined;
  return async () => {
    if (last !== undefined) {
      try {
        return (await open(subjects.at(last))).stream;
      } catch (error) {
        if (!isNobody(error)) throw error;
        last = undefined;
      }
    }
    const { stream, instance } = await open(subjects.open);
    last = instance;
    return stream;
  };

  async function open(subject: string): Promise<{ stream: Duplex; instance: string }> {
    const { stream, own } = Hub.of(nats, subjects.to).open(events);
    try {
      const { data } = await nats.request(subject, own, { timeout: openMs });
      const { instance, to } = JSON.parse(Buffer.from(data).toString("utf8"));
      if (typeof instance !== "string" || typeof to !== "string" || !to.startsWith(subjects.to)) {
        throw new Error("what answers there is no server of sealpipe");
      }
      stream.join(to);
      return { stream, instance };
    } catch (error) {
      stream.destroy();
      if (!isNobody(error)) throw error;
      throw Object.assign(new Error(`no server of ${name} is there`, { cause: error }), {
        code: "ECONNREFUSED",
      });
    }
  }
}

/** NATS says at once that nobody has subscribed. */
function isNobody(error: unknown): boolean {
  const { isNoResponders, code } = Object(error) as { isNoResponders?: () => boolean; code?: string };
  return code === "ECONNREFUSED" || isNoResponders?.call(error) === true;
}
