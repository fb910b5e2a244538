import { performance } from "node:perf_hooks";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { type Client, type Server, startClient, startServer } from "sealpipe";
import { natsTransport, serveOverNats } from "sealpipe/nats";
import { NatsServer } from "../../support/nats-server.ts";

export interface FleetOptions {
  readonly servers: number;
  readonly clients: number;
  readonly requests: number;
}

/** Milliseconds. */
export interface Latencies {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface FleetResult {
  /** How many clients each server has got: the least, the most, and the mean's root mean square deviation. */
  readonly spread: { readonly min: number; readonly max: number; readonly deviation: number };
  readonly connecting: Latencies & { readonly allMs: number };
  readonly asking: Latencies & { readonly perSecond: number };
  readonly failures: readonly string[];
}

const secret = "of this fleet alone";
/** How many clients connect at a time. */
const atATime = 20;

/** Servers and clients of one name over a cluster of three nodes, each with a connection of its own to one of them. */
export async function fleet({ servers, clients, requests }: FleetOptions): Promise<FleetResult> {
  const nodes = await NatsServer.cluster(3);
  const name = "fleet";
  const connections: NatsConnection[] = [];
  const open = async (index: number): Promise<NatsConnection> => {
    const nats = await connect({ servers: (nodes[index % nodes.length] as NatsServer).url });
    connections.push(nats);
    return nats;
  };
  const there: Server[] = [];
  for (let index = 0; index < servers; index++) {
    const server = await startServer(name, { listen: false, secret });
    server.handle(1, ({ text }) => text);
    serveOverNats(server, await open(index));
    there.push(server);
  }
  const ends: Client[] = [];
  const connectMs: number[] = [];
  const began = performance.now();
  await inParallel(clients, atATime, async (index) => {
    const nats = await open(index);
    const start = performance.now();
    ends.push(await startClient(name, { secret, transport: natsTransport(nats, name) }));
    connectMs.push(performance.now() - start);
  });
  const allMs = performance.now() - began;
  const failures: string[] = [];
  const askMs: number[] = [];
  const asked = performance.now();
  await inParallel(requests, atATime, async (index) => {
    const start = performance.now();
    const { text } = await (ends[index % ends.length] as Client).request(1, `${index}`);
    askMs.push(performance.now() - start);
    if (text !== `${index}`) failures.push(`${index} was answered by ${text}`);
  });
  const perSecond = Math.round(requests / ((performance.now() - asked) / 1000));
  const counts = there.map((server) => server.connections.length);
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total !== clients) failures.push(`${total} of ${clients} clients are connected`);
  await Promise.all(ends.map((client) => client.close()));
  await Promise.all(there.map((server) => server.close()));
  await Promise.all(connections.map((nats) => nats.close()));
  await Promise.all(nodes.map((node) => node.kill()));
  return {
    spread: spreadOf(counts),
    connecting: { ...latenciesOf(connectMs), allMs: Math.round(allMs) },
    asking: { ...latenciesOf(askMs), perSecond },
    failures,
  };
}

function spreadOf(counts: readonly number[]): FleetResult["spread"] {
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const variance = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / counts.length;
  return { min: Math.min(...counts), max: Math.max(...counts), deviation: rounded(Math.sqrt(variance)) };
}

function latenciesOf(times: number[]): Latencies {
  times.sort((a, b) => a - b);
  const at = (part: number): number => rounded(times[Math.floor((times.length - 1) * part)] ?? 0);
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

/** Calls `act` for each number below `count`, `width` at a time. */
export async function inParallel(
  count: number,
  width: number,
  act: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
