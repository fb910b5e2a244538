import { connect, createServer } from "node:net";
import { FramedSocket } from "./framed-socket.ts";
import { type CreatePeer, socketPath } from "./peer.ts";

/** `coalesces`: small messages of one turn of the event loop share a write. */
export const createPeer: CreatePeer = ({ coalesces }) => ({
  form: "bytes",
  listen: (name, opened) =>
    new Promise((resolve, reject) => {
      const server = createServer((socket) => opened(new FramedSocket(socket, coalesces === true)));
      server.on("error", reject);
      server.listen({ path: socketPath(name), backlog: 4096 }, () =>
        resolve({ close: () => server.close() }),
      );
    }),
  connect: (name) =>
    new Promise((resolve, reject) => {
      const socket = connect(socketPath(name), () => resolve(new FramedSocket(socket, coalesces === true)));
      socket.on("error", reject);
    }),
});
