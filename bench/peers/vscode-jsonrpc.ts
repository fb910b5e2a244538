import { connect, createServer, type Socket } from "node:net";
import rpc from "vscode-jsonrpc/node";
import { type Channel, type CreatePeer, ignore, type Payload, socketPath } from "./peer.ts";

const note = new rpc.NotificationType<Payload>("n");
const question = new rpc.RequestType<Payload, Payload, void>("q");
/** Each notification has a promise; a sender that waited for every one would never have two on their way. */
const unawaited = 256;

export const createPeer: CreatePeer = () => ({
  form: "text",
  listen: (name, opened) =>
    new Promise((resolve, reject) => {
      const server = createServer((socket) => opened(channelOf(socket)));
      server.on("error", reject);
      server.listen({ path: socketPath(name), backlog: 4096 }, () =>
        resolve({ close: () => server.close() }),
      );
    }),
  connect: (name) =>
    new Promise((resolve, reject) => {
      const socket = connect(socketPath(name), () => resolve(channelOf(socket)));
      socket.on("error", reject);
    }),
});

function channelOf(socket: Socket): Channel {
  const connection = rpc.createMessageConnection(
    new rpc.SocketMessageReader(socket),
    new rpc.SocketMessageWriter(socket),
  );
  let count = 0;
  const channel: Channel = {
    onMessage: ignore,
    send(payload) {
      const sent = connection.sendNotification(note, payload);
      count += 1;
      return count % unawaited === 0 || payload.length > 16_384 ? sent : undefined;
    },
    request: (payload) => connection.sendRequest(question, payload),
    close() {
      connection.dispose();
      socket.end();
    },
  };
  connection.onNotification(note, (payload) => channel.onMessage(payload));
  connection.onRequest(question, (payload) => payload);
  connection.onError(ignore);
  connection.listen();
  return channel;
}
