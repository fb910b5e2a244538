import { randomInt } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import type { Server } from "sealpipe";
import { natsTransport, serveOverNats } from "sealpipe/nats";
import { NatsServer } from "../support/nats-server.ts";
import type { Line } from "./chaos.ts";
import type { Harm } from "./cutting-proxy.ts";

const maxLifeMs = 300;
const maxStallMs = 1_500;
/** How soon the two ends notice that a node of the cluster is stopped. */
const keepalive = { keepaliveIntervalMs: 500, keepaliveTimeoutMs: 500 };

/**
 * A cluster of three real nats-servers: one after another is killed and started again, or stopped for a while, and the
 * connections of the two ends to it are cut.
 */
export async function cutNats(_directory: string, server: Server, cuts: number): Promise<Line> {
  const nodes = await NatsServer.cluster(3);
  // The two ends begin at different nodes.
  const [atServer, atClient] = [await natsAt(nodes), await natsAt([...nodes].reverse())];
  const service = serveOverNats(server, atServer);
  const harm: Harm = { cuts: 0, truncations: 0, stalls: 0, delays: 0 };
  let closed = false;
  const cutting = cutAll();
  return {
    options: { transport: natsTransport(atClient, server.name), authenticatedBy: "transport", ...keepalive },
    harm,
    allCut: cutting,
    async close() {
      closed = true;
      await cutting;
      service.stop();
      await Promise.all([atServer.close(), atClient.close()]);
      await Promise.all(nodes.map((node) => node.kill()));
    },
  };

  async function cutAll(): Promise<void> {
    while (harm.cuts < cuts && !closed) {
      if (server.connections[0]?.status !== "connected") {
        await pause(5);
        continue;
      }
      await pause(randomInt(maxLifeMs));
      harm.cuts += 1;
      await harmOne();
    }
  }

  async function harmOne(): Promise<void> {
    const end = randomInt(2) === 0 ? atServer : atClient;
    const used = nodes.find(({ port }) => end.getServer().endsWith(`:${port}`)) ?? (nodes[0] as NatsServer);
    switch (randomInt(3)) {
      case 0:
        await used.kill();
        await pause(randomInt(maxLifeMs));
        await used.start();
        return;
      case 1:
        harm.stalls += 1;
        used.signal("SIGSTOP");
        await pause(randomInt(maxStallMs));
        used.signal("SIGCONT");
        return;
      default:
        await end.reconnect();
    }
  }
}

function natsAt(nodes: readonly NatsServer[]): Promise<NatsConnection> {
  return connect({
    servers: nodes.map(({ url }) => url),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 10,
    reconnectJitter: 10,
    timeout: 1_000,
    noRandomize: true,
  });
}
