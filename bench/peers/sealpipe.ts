import { type Client, type Connection, type Message, startClient, startServer } from "../../dist/index.js";
import { type Channel, type CreatePeer, ignore, type Payload } from "./peer.ts";

const messageType = 1;
const connectionsAtMost = 6_000;

/** What a build with requests adds. */
interface Asking {
  request?(type: number, data: Payload): Promise<Message>;
  handle?(type: number, answer: (message: Message) => Payload): void;
}

export const createPeer: CreatePeer = ({ encryption, profile }) => {
  // A build that has one profile has no option for it.
  const options = { encryption: encryption === true, profile };
  const asks = profile === "native";
  return {
    form: "bytes",
    async listen(name, opened) {
      const server = await startServer(name, { ...options, maxConnections: connectionsAtMost });
      server.on("error", ignore);
      if (asks) (server as Asking).handle?.(messageType, (message) => message.data);
      server.on("connection", (connection) => opened(channelOf(connection, asks)));
      return {
        broadcast: (payload) => server.broadcast(messageType, payload),
        close: () => server.close(),
      };
    },
    async connect(name) {
      return channelOf(await startClient(name, { ...options, connectTimeoutMs: 20_000 }), asks);
    },
  };
};

function channelOf(endpoint: Client | Connection, asks: boolean): Channel {
  const channel: Channel = {
    onMessage: ignore,
    send: (payload) => endpoint.write(messageType, payload),
    close: () => endpoint.close(),
  };
  endpoint.on("message", ({ data }: Message) => channel.onMessage(data));
  endpoint.on("error", ignore);
  const { request } = endpoint as Asking;
  if (asks && request !== undefined) {
    channel.request = async (payload) => (await request.call(endpoint, messageType, payload)).data;
  }
  return channel;
}
