import { PassThrough } from "node:stream";
import { carriedBy, carrierOf } from "../contract/event-carrier.ts";
import { CallerError, type Server } from "../index.ts";
import type { NatsConnection, NatsMessage } from "./connection.ts";
import { NatsEvents } from "./events/carrier.ts";
import { type NatsServiceOptions, parseKeepOptions } from "./events/keep-options.ts";
import { Hub } from "./hub.ts";
import { queueGroup, type Subjects, subjectsOf } from "./subjects.ts";

/** A server that is reached by NATS. */
export interface NatsService {
  /** This server among those of its name. */
  readonly instance: string;
  /**
   * Takes no new sessions from now on: they go to other servers. Those that are there go on, and may still come back. Then close
   * the server, when its work is done.
   */
  drain(): Promise<void>;
  /** Takes nobody any more. Called by itself when the server closes. */
  stop(): void;
}

/** A server that has answered {@link listNatsServers}. */
export interface NatsServerInfo {
  readonly instance: string;
  readonly pid: number;
  readonly connections: number;
}

/** Longer than any subject of this library's. */
const maxSubjectBytes = 512;

/**
 * Has a server accept clients by NATS: those whose `transport` is {@link natsTransport} with the same name. Any number of servers
 * may serve a name; NATS spreads new sessions over them.
 *
 * @param nats As `connect` of `@nats-io/transport-node` gives one. It stays the caller's to close, after the server.
 * @param options How JetStream keeps a contract's durable events.
 * @throws CallerError `ERR_SECRET_REQUIRED` if the server has no secret and does not refuse one; `ERR_INVALID_ARGUMENT` if it is
 *   reached by NATS already; `ERR_INVALID_OPTION`; `ERR_CLOSED`.
 */
export function serveOverNats(
  server: Server,
  nats: NatsConnection,
  name: string = server.name,
  options: NatsServiceOptions = {},
): NatsService {
  const events = new NatsEvents(nats, name, parseKeepOptions(options));
  checkAccepts(server);
  if (carrierOf(server) !== undefined)
    throw new CallerError("ERR_INVALID_ARGUMENT", "the server is reached by NATS already");
  Object.defineProperty(server, carriedBy, { value: events, configurable: true });
  const subjects = subjectsOf(name);
  const instance = crypto.randomUUID();
  const accept = (error: Error | null, message: NatsMessage): void => {
    if (error === null) acceptFrom({ server, nats, subjects, instance, events }, message);
  };
  const anybody = nats.subscribe(subjects.open, { queue: queueGroup, callback: accept });
  const mine = nats.subscribe(subjects.at(instance), { callback: accept });
  const who = nats.subscribe(subjects.who, {
    callback: (error, message) => {
      if (error !== null) return;
      message.respond(JSON.stringify({ instance, pid: process.pid, connections: server.connections.length }));
    },
  });
  const stop = (): void => {
    for (const subscription of [anybody, mine, who]) subscription.unsubscribe();
    if (carrierOf(server) === events) Reflect.deleteProperty(server, carriedBy);
  };
  server.once("close", stop);
  return { instance, stop, drain: async () => void (await Promise.all([anybody.drain(), who.drain()])) };
}

/** Now, not when the first client comes. */
function checkAccepts(server: Server): void {
  const none = new PassThrough();
  none.destroy();
  try {
    server.accept(none);
  } catch (error) {
    if ((error as { code?: string }).code !== "ERR_INVALID_ARGUMENT") throw error;
  }
}

interface Acceptor {
  readonly server: Server;
  readonly nats: NatsConnection;
  readonly subjects: Subjects;
  readonly instance: string;
  readonly events: NatsEvents;
}

function acceptFrom({ server, nats, subjects, instance, events }: Acceptor, message: NatsMessage): void {
  const peer = Buffer.from(message.data).toString("latin1");
  // Whoever asks could have this server write anywhere otherwise.
  const isEnd = peer.startsWith(subjects.to) && /^[!-)+-=?-~]+$/.test(peer) && peer.length <= maxSubjectBytes;
  if (!isEnd || server.status !== "listening") return;
  const { stream, own } = Hub.of(nats, subjects.to).open(events, peer);
  message.respond(JSON.stringify({ instance, to: own }));
  server.accept(stream);
}

/**
 * The servers of a name that answer within `waitMs` milliseconds (default 300).
 */
export async function listNatsServers(
  nats: NatsConnection,
  name: string,
  { waitMs = 300 }: { readonly waitMs?: number } = {},
): Promise<NatsServerInfo[]> {
  const found: NatsServerInfo[] = [];
  const { who, to } = subjectsOf(name);
  const reply = `${to}${crypto.randomUUID()}`;
  const answers = nats.subscribe(reply, {
    callback: (error, { data, headers }) => {
      if (error === null && headers?.code !== 503) found.push(JSON.parse(Buffer.from(data).toString("utf8")));
    },
  });
  nats.publish(who, "", { reply });
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  answers.unsubscribe();
  return found;
}
