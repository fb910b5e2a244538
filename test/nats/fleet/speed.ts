import { performance } from "node:perf_hooks";
import { connect } from "@nats-io/transport-node";
import { startClient, startServer } from "sealpipe";
import { natsTransport, serveOverNats } from "sealpipe/nats";
import { NatsServer } from "../../support/nats-server.ts";
import { inParallel } from "./fleet.ts";

/** How many a second, of ours, encrypted, and of NATS's own, which is not. */
export interface Speeds {
  readonly requests: { readonly ours: number; readonly nats: number };
  readonly messages: { readonly ours: number; readonly nats: number };
}

const inFlight = 64;
const data = new Uint8Array(64).fill(7);

/** Both ends in this process, and one nats-server beside it; the two by turns, and the median of the rounds. */
export async function speeds(count: number, rounds: number): Promise<Speeds> {
  const node = await NatsServer.start();
  const [atServer, atClient] = [await connect({ servers: node.url }), await connect({ servers: node.url })];
  const server = await startServer("speed", { listen: false, secret: "of this run alone" });
  serveOverNats(server, atServer);
  const transport = natsTransport(atClient, "speed");
  const client = await startClient("speed", { secret: "of this run alone", transport });
  let received = 0;
  let whenAll = (): void => {};
  const got = (): void => {
    received += 1;
    if (received === count) whenAll();
  };
  server.handle(1, ({ data }) => data);
  server.on("message", got);
  atServer.subscribe("echo", { callback: (_, message) => void message.respond(message.data) });
  atServer.subscribe("one-way", { callback: got });
  await atServer.flush();

  const oneWay = (write: () => Promise<void> | undefined) => async (): Promise<void> => {
    received = 0;
    const all = new Promise<void>((resolve) => {
      whenAll = resolve;
    });
    for (let number = 0; number < count; number++) {
      const room = write();
      if (room !== undefined) await room;
      // NATS's own has no room to wait for: its flush keeps it from overrunning its server.
      else if (number % 1_000 === 999) await new Promise((resolve) => setImmediate(resolve));
    }
    await all;
  };
  const attempts = {
    requestsOurs: () => inParallel(count / 4, inFlight, async () => void (await client.request(1, data))),
    requestsNats: () =>
      inParallel(count / 4, inFlight, async () => void (await atClient.request("echo", data))),
    messagesOurs: oneWay(() => client.write(2, data)),
    messagesNats: oneWay(() => void atClient.publish("one-way", data)),
  };
  const found: Record<string, number[]> = {};
  for (let round = 0; round < rounds; round++) {
    for (const [what, attempt] of Object.entries(attempts)) {
      const start = performance.now();
      await attempt();
      const seconds = (performance.now() - start) / 1000;
      const each = what.startsWith("requests") ? count / 4 : count;
      found[what] = [...(found[what] ?? []), each / seconds];
    }
  }
  await client.close();
  await server.close();
  await Promise.all([atServer.close(), atClient.close()]);
  await node.kill();
  const median = (what: keyof typeof attempts): number => {
    const sorted = (found[what] ?? []).sort((a, b) => a - b);
    return Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0);
  };
  return {
    requests: { ours: median("requestsOurs"), nats: median("requestsNats") },
    messages: { ours: median("messagesOurs"), nats: median("messagesNats") },
  };
}
