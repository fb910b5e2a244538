import { setTimeout as delay } from "node:timers/promises";
import { type Connection, type ServerOptions, startServer } from "sealpipe";
import { flood, stay, talkNonsense, typesInUse } from "./hostile-words.ts";
import { addressOf, type RawPeer, RawServer } from "./raw-peer.ts";
import { openWireAsServer } from "./sealed-peer.ts";

/** A server at that name that behaves badly at the first client that comes. Whether one did. */
type HostileServer = (name: string) => Promise<boolean>;

/** A client that has given up does not come. */
const patienceMs = 3_000;

async function withinPatience<T>(coming: Promise<T>): Promise<T | undefined> {
  const stop = new AbortController();
  const late = delay(patienceMs, undefined, stop).catch(() => undefined);
  try {
    return await Promise.race([coming, late]);
  } finally {
    stop.abort();
  }
}

function asServer(work: (connection: Connection) => unknown, options: ServerOptions = {}): HostileServer {
  return async (name) => {
    const server = await startServer(name, options);
    try {
      const connected = new Promise<Connection>((resolve) => server.once("connection", resolve));
      const connection = await withinPatience(connected);
      if (connection !== undefined) await work(connection);
      return connection !== undefined;
    } finally {
      server.destroy();
      await server.close();
    }
  };
}

function answering(answer: () => Uint8Array | string): HostileServer {
  return asServer(async (connection) => {
    for (const type of typesInUse) connection.handle(type, answer);
    connection.write(1, "1");
    await stay();
  });
}

function raw(work: (peer: RawPeer) => unknown): HostileServer {
  return async (name) => {
    await using server = await RawServer.listen(addressOf(name));
    const peer = await withinPatience(server.accept());
    if (peer !== undefined) await work(peer);
    return peer !== undefined;
  };
}

/** What each does, and how. A client that is told nonsense in the handshake may give up: that one comes last. */
export const hostileServers: Readonly<Record<string, HostileServer>> = {
  "takes one byte at a time": asServer(talkNonsense, { maxMessageBytes: 1 }),
  "reads nothing and sends flat out": asServer(flood),
  "reads nothing and sends flat out, with a small window": asServer(flood, { maxQueuedBytes: 65_536 }),
  "talks nonsense": asServer(talkNonsense),
  "refuses requests": answering(() => {
    throw Object.assign(new Error("no"), { code: "ERR_CLOSED" });
  }),
  "answers more than it may": answering(() => new Uint8Array(3_145_729)),
  "closes at once": asServer((connection) => connection.close()),
  "hangs up at once": asServer(() => {}),
  "breaks off within a frame": raw(async (peer) => {
    const wire = await openWireAsServer(peer, true);
    peer.send(wire.message(1, Buffer.from("1")), Uint8Array.of(0, 0, 1));
    await stay();
  }),
  "is none": raw((peer) => peer.send(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"))),
};

/** One after the other, as they all want the same address, for as long as the client comes. */
export async function attackClient(name: string): Promise<void> {
  for (const attack of Object.values(hostileServers)) if (!(await attack(name))) return;
}
