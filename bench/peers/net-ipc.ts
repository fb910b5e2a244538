import type { Socket } from "node:net";
import netIpc from "net-ipc";
import { type Channel, type CreatePeer, ignore, type Payload, socketPath } from "./peer.ts";

/** With MessagePack, which it calls the faster of its encodings. */
export const createPeer: CreatePeer = () => ({
  form: "bytes",
  async listen(name, opened) {
    const server = new netIpc.Server({ path: socketPath(name) });
    const channels = new Map<string, Channel>();
    server.on("connect", (connection) => {
      const channel = channelOf(connection, connection.connection as Socket);
      channels.set(connection.id, channel);
      opened(channel);
    });
    server.on("disconnect", ({ id }) => channels.delete(id));
    server.on("message", (payload, { id }) => channels.get(id)?.onMessage(payload));
    server.on("request", (payload, respond) => void respond(payload));
    server.on("error", ignore);
    await server.start();
    return { broadcast: (payload) => server.broadcast(payload), close: () => server.close() };
  },
  async connect(name) {
    const client = new netIpc.Client({ path: socketPath(name), messagepack: true, reconnect: false });
    await client.connect();
    const channel = channelOf(client, client.connection as Socket);
    channel.request = (payload) => client.request(payload);
    client.on("message", (payload) => channel.onMessage(payload));
    client.on("error", ignore);
    return channel;
  },
});

interface Sender {
  send(payload: Payload): Promise<void>;
  close(): unknown;
}

function channelOf(sender: Sender, socket: Socket): Channel {
  return {
    onMessage: ignore,
    send(payload) {
      const sent = sender.send(payload);
      return socket.writableNeedDrain ? sent : undefined;
    },
    close: () => sender.close(),
  };
}
