import { subscribe, tracingChannel } from "node:diagnostics_channel";
import type { Client, Connection, Message } from "../../build/bundle/index.js";
import { libraryOf } from "../package.ts";
import { type Channel, type CreatePeer, ignore } from "./peer.ts";

export const messageType = 1;
const connectionsAtMost = 6_000;

export const createPeer: CreatePeer = async ({
  encryption,
  profile,
  releases,
  observed,
  package: directory,
}) => {
  const { startClient, startServer } = await libraryOf(directory as string | undefined);
  if (observed === true) observe();
  const options = { encryption: encryption === true, profile: profile as "classic" | "native" };
  const asks = profile === "native";
  return {
    form: "bytes",
    async listen(name, opened) {
      const server = await startServer(name, { ...options, maxConnections: connectionsAtMost });
      server.on("error", ignore);
      if (asks) server.handle(messageType, ({ data }) => data);
      server.on("connection", (connection) =>
        opened(channelOf(connection, { asks, releases: releases === true })),
      );
      return {
        broadcast: (payload) => server.broadcast(messageType, payload),
        close: () => server.close(),
      };
    },
    async connect(name) {
      const client = await startClient(name, { ...options, connectTimeoutMs: 20_000 });
      return channelOf(client, { asks, releases: releases === true });
    },
  };
};

/** Hears everything that happens often, and does nothing with it. */
function observe(): void {
  for (const what of ["message:sent", "message:received", "queue", "window"])
    subscribe(`sealpipe:${what}`, ignore);
  for (const what of ["request", "handler"]) {
    const heard = { start: ignore, end: ignore, asyncStart: ignore, asyncEnd: ignore, error: ignore };
    tracingChannel(`sealpipe:${what}`).subscribe(heard);
  }
}

export function channelOf(
  endpoint: Client | Connection,
  { asks, releases }: { readonly asks: boolean; readonly releases: boolean },
): Channel {
  const channel: Channel = {
    onMessage: ignore,
    send: (payload) => endpoint.write(messageType, payload),
    close: () => endpoint.close(),
  };
  endpoint.on("message", (message: Message) => {
    channel.onMessage(message.data);
    if (releases) message.release();
  });
  endpoint.on("error", ignore);
  if (asks)
    channel.request = async (payload) => (await endpoint.request(messageType, payload as Uint8Array)).data;
  return channel;
}
