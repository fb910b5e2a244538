import { createServer as createHttpServer } from "node:http";
import { createConnection, createServer, type Server } from "node:net";
import type { Duplex } from "node:stream";
import { createWebSocketStream, WebSocket, WebSocketServer } from "ws";
import type { Address } from "#dist/transport/address.js";
import { connectFailed } from "#dist/transport/connect-failure.js";
import { DuplexTransport } from "#dist/transport/duplex-transport.js";
import { addressInUse } from "#dist/transport/net-transport.js";
import type { TransportProvider } from "#dist/transport/transport.js";

/** Calls `came` with the other end of each duplex that is made to an address. */
interface Duplexes {
  listen(path: string, came: (duplex: Duplex) => void): Promise<() => Promise<void>>;
  connect(path: string): Promise<Duplex>;
}

/** A provider whose transports are duplexes that a program could have handed in. */
export function providerOfDuplexes({ listen, connect }: Duplexes): TransportProvider {
  const listening = new Set<string>();
  return {
    async listen(address: Address, { accepted }) {
      if (listening.has(address.path)) throw addressInUse(address, "another server listens there");
      listening.add(address.path);
      const stop = await listen(address.path, (duplex) => accepted(new DuplexTransport(duplex)));
      let closed = false;
      return {
        async close() {
          if (closed) return;
          closed = true;
          listening.delete(address.path);
          await stop();
        },
        setReferenced() {},
      };
    },

    async connect(address, signal) {
      signal.throwIfAborted();
      const duplex = await connect(address.path).catch((cause: Error) => {
        throw connectFailed(address, cause);
      });
      const transport = new DuplexTransport(duplex);
      if (signal.aborted) transport.destroy();
      signal.throwIfAborted();
      return transport;
    },
  };
}

/** WebSockets, which have no half-close. */
export const webSockets: Duplexes = {
  async listen(path, came) {
    const server = createHttpServer();
    const sockets = new WebSocketServer({ server });
    sockets.on("connection", (socket) => came(createWebSocketStream(socket)));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    return async () => {
      server.close();
    };
  },
  connect(path) {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws+unix:${path}:/`);
      socket.once("error", reject);
      socket.once("open", () => {
        socket.off("error", reject);
        resolve(createWebSocketStream(socket));
      });
    });
  },
};

/** Sockets, which know nothing of what is written to them. */
export const sockets: Duplexes = {
  async listen(path, came) {
    const server: Server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, came);
    await new Promise<void>((resolve) => server.listen(path, resolve));
    return async () => {
      server.close();
    };
  },
  connect(path) {
    return new Promise((resolve, reject) => {
      const socket = createConnection({ path, allowHalfOpen: true });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(socket);
      });
    });
  },
};
