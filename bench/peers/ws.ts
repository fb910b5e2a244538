import { createServer } from "node:http";
import { WebSocket, WebSocketServer } from "ws";
import { type Channel, type CreatePeer, ignore, socketPath } from "./peer.ts";

const bufferedBytesAtMost = 262_144;

/** Over a Unix socket, without compression. */
export const createPeer: CreatePeer = () => ({
  form: "bytes",
  listen: (name, opened) =>
    new Promise((resolve, reject) => {
      const http = createServer();
      const server = new WebSocketServer({ server: http, perMessageDeflate: false });
      server.on("connection", (socket) => opened(channelOf(socket)));
      http.on("error", reject);
      http.listen({ path: socketPath(name), backlog: 4096 }, () => resolve({ close: () => http.close() }));
    }),
  connect: (name) =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws+unix:${socketPath(name)}:/`, { perMessageDeflate: false });
      socket.on("open", () => resolve(channelOf(socket)));
      socket.on("error", reject);
    }),
});

function channelOf(socket: WebSocket): Channel {
  const channel: Channel = {
    onMessage: ignore,
    send(payload) {
      if (socket.bufferedAmount < bufferedBytesAtMost) {
        socket.send(payload);
        return undefined;
      }
      return new Promise((resolve) => socket.send(payload, resolve));
    },
    close: () => socket.close(),
  };
  socket.on("message", (data) => channel.onMessage(data as Buffer));
  socket.on("error", ignore);
  return channel;
}
