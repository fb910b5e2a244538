import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";
import type { Server } from "sealpipe";

/** A port of this machine's that leads to a server which accepts duplexes, gone after the test. */
export interface Port {
  /** A new socket to it. */
  connect(): Socket;
  /** Both ends of all that were made: those of the client first, in their order. */
  readonly sockets: { readonly clients: Socket[]; readonly servers: Socket[] };
}

export async function portOf(t: TestContext, server: Pick<Server, "accept" | "status">): Promise<Port> {
  const sockets = { clients: [] as Socket[], servers: [] as Socket[] };
  const listener = createServer((socket) => {
    sockets.servers.push(socket);
    // A client that reconnects may come as the test ends, once its server has been closed.
    if (server.status === "listening") server.accept(socket);
    else socket.destroy();
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  t.after(() => {
    listener.close();
    for (const socket of [...sockets.clients, ...sockets.servers]) socket.destroy();
  });
  return {
    sockets,
    connect() {
      const socket = connect(port, "127.0.0.1");
      sockets.clients.push(socket);
      return socket;
    },
  };
}
