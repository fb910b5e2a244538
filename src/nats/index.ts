/**
 * Servers and clients over NATS.
 *
 * @module sealpipe/nats
 */

export type { NatsConnection, NatsMessage, NatsSubscription } from "./connection.ts";
export type { NatsServiceOptions } from "./events/keep-options.ts";
export { natsTransport } from "./nats-transport.ts";
export { listNatsServers, type NatsServerInfo, type NatsService, serveOverNats } from "./serve-over-nats.ts";
