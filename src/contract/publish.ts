import { type BroadcastOptions, SealpipeError, type Server } from "../index.ts";
import type { ContractInfo } from "./contract.ts";
import { carrierOf } from "./event-carrier.ts";
import type { Event } from "./members.ts";

interface Publishing {
  readonly about: ContractInfo;
  readonly event: Event;
  readonly name: string;
}

/**
 * Sends an event to all callers of all servers by the server's carrier, and writes it to those that its carrier does not reach.
 *
 * @throws As `broadcast`.
 */
export function publish(
  server: Server,
  { about, event, name }: Publishing,
  encoded: string | Uint8Array,
  options: BroadcastOptions | undefined,
): Promise<void> | undefined {
  const reached = server.connections.filter((connection) => carrierOf(connection) !== undefined);
  const except = new Set([...(options?.except ?? []), ...reached]);
  const written = server.broadcast(event.number, encoded, { ...options, except });
  const data = typeof encoded === "string" ? new TextEncoder().encode(encoded) : encoded;
  const topic = { contract: about.name, codec: about.codec.name, name, event };
  const published = carrierOf(server)?.publish(server, topic, data);
  // Told by an event, so that whoever does not await it is not ended by it.
  published?.catch((error: unknown) => {
    if (server.listenerCount("error") > 0 && error instanceof SealpipeError)
      server.emit("error", error, undefined);
  });
  if (written === undefined || published === undefined) return written ?? published;
  return Promise.all([written, published]).then(() => {});
}
