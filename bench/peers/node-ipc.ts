import type { Socket } from "node:net";
import { type Channel, type CreatePeer, ignore, type Payload, socketPath } from "./peer.ts";

const event = "m";

/** node-ipc and its fork have the same calls. `module` says which. */
export const createPeer: CreatePeer = async ({ module }) => {
  const { IPCModule } =
    module === "@achrinza/node-ipc" ? await import("@achrinza/node-ipc") : await import("node-ipc");
  const quiet = () => {
    const ipc = new IPCModule();
    ipc.config.silent = true;
    ipc.config.maxConnections = 6_000;
    return ipc;
  };
  return {
    form: "text",
    listen: (name, opened) =>
      new Promise((resolve) => {
        const ipc = quiet();
        const channels = new Map<Socket, Channel>();
        ipc.serve(socketPath(name), () => {
          resolve({
            broadcast: (payload) => ipc.server.broadcast(event, payload) as undefined,
            close: () => ipc.server.stop(),
          });
        });
        ipc.server.on("connect", (first) => {
          const socket = first as Socket;
          const channel = channelOf(socket, (payload) => ipc.server.emit(socket, event, payload));
          channels.set(socket, channel);
          opened(channel);
        });
        ipc.server.on("close", (socket) => channels.delete(socket as Socket));
        ipc.server.on(event, (data, socket) => channels.get(socket)?.onMessage(data as Payload));
        ipc.server.start();
      }),
    connect: (name) =>
      new Promise((resolve) => {
        const ipc = quiet();
        ipc.config.stopRetrying = true;
        ipc.connectTo(name, socketPath(name), () => {
          const client = ipc.of[name];
          if (client === undefined) throw new Error("no client");
          client.on("connect", () => {
            const channel = channelOf(client.socket, (payload) => client.emit(event, payload));
            channel.close = () => ipc.disconnect(name);
            client.on(event, (data) => channel.onMessage(data as Payload));
            resolve(channel);
          });
        });
      }),
  };
};

function channelOf(socket: Socket, emit: (payload: Payload) => void): Channel {
  return {
    onMessage: ignore,
    send(payload) {
      emit(payload);
      if (!socket.writableNeedDrain) return undefined;
      return new Promise((resolve) => socket.once("drain", resolve));
    },
    close: () => socket.end(),
  };
}
