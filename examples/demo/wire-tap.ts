import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";

/** Stands between a client and the server and keeps every byte that passes, as anyone who could read the wire would. */
export interface WireTap {
  /** What the server sent, and what the client sent. */
  readonly fromServer: Buffer[];
  readonly fromClient: Buffer[];
  close(): Promise<void>;
}

/** Listens at the socket of `tapName` and passes all bytes on to that of `name`. */
export async function tapWire(tapName: string, name: string): Promise<WireTap> {
  const fromServer: Buffer[] = [];
  const fromClient: Buffer[] = [];
  const sockets = new Set<Socket>();
  const tap = createServer((client) => {
    const server = connect(socketPath(name));
    for (const [from, to, kept] of [
      [client, server, fromClient],
      [server, client, fromServer],
    ] as const) {
      sockets.add(from);
      from.on("data", (chunk: Buffer) => kept.push(chunk));
      // One side is gone: so is the other.
      from.on("error", () => to.destroy());
      from.on("close", () => sockets.delete(from));
      from.pipe(to);
    }
  });
  tap.listen(socketPath(tapName));
  await once(tap, "listening");
  return {
    fromServer,
    fromClient,
    async close() {
      for (const socket of sockets) socket.destroy();
      tap.close();
      await once(tap, "close");
      if (process.platform !== "win32") rmSync(socketPath(tapName), { force: true });
    },
  };
}

/** Where sealpipe and golang-ipc look for a name. */
function socketPath(name: string): string {
  return process.platform === "win32" ? `\\\\.\\pipe\\${name}` : `/tmp/${name}.sock`;
}
