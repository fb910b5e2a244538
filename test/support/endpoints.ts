import type { TestContext } from "node:test";
import {
  type Client,
  type ClientOptions,
  type Connection,
  type Server,
  type ServerOptions,
  startClient,
  startServer,
} from "sealpipe";
import { freshName } from "./names.ts";
import { addressOf, openAsClient, openAsServer, RawPeer, RawServer } from "./raw-peer.ts";
import { nextEvent } from "./waiting.ts";

/** A server at a fresh name, gone after the test. */
export async function freshServer(t: TestContext, options: ServerOptions = {}): Promise<Server> {
  return serverAt(t, freshName(), options);
}

export async function serverAt(t: TestContext, name: string, options: ServerOptions = {}): Promise<Server> {
  const server = await startServer(name, options);
  t.after(() => {
    server.destroy();
    return server.close();
  });
  return server;
}

/** A client of that server that tries again soon, gone after the test. */
export async function clientAt(t: TestContext, name: string, options: ClientOptions = {}): Promise<Client> {
  const client = await startClient(name, { retryDelayMs: 5, connectTimeoutMs: 20_000, ...options });
  t.after(() => {
    client.destroy();
    return client.close();
  });
  return client;
}

/** A further client, and the server's end of its connection. */
export async function connectTo(
  t: TestContext,
  server: Server,
  options: ClientOptions = {},
): Promise<{ client: Client; connection: Connection }> {
  const connected = nextEvent<[Connection]>(server, "connection");
  const client = await clientAt(t, server.name, options);
  const [connection] = await connected;
  return { client, connection };
}

/** A server, a client, and the server's end of the connection between them. */
export async function connectedPair(
  t: TestContext,
  options: { server?: ServerOptions; client?: ClientOptions } = {},
): Promise<{ server: Server; client: Client; connection: Connection }> {
  const server = await freshServer(t, options.server);
  return { server, ...(await connectTo(t, server, options.client)) };
}

/** A bare socket that has gone through the handshake with a server without encryption, and reads nothing by itself. */
export async function rawClientOf(
  t: TestContext,
  server: Server,
): Promise<{ peer: RawPeer; connection: Connection }> {
  const connected = nextEvent<[Connection]>(server, "connection");
  const peer = await RawPeer.connect(server.address);
  t.after(() => peer.destroy());
  await openAsClient(peer);
  const [connection] = await connected;
  return { peer, connection };
}

/** A bare socket that listens at a fresh name. */
export async function rawServer(t: TestContext): Promise<{ name: string; raw: RawServer }> {
  const name = freshName();
  const raw = await RawServer.listen(addressOf(name));
  t.after(() => raw[Symbol.asyncDispose]());
  return { name, raw };
}

/** A client of a bare socket, which has gone through the handshake with it and reads nothing by itself. */
export async function clientOfRaw(
  t: TestContext,
  options: ClientOptions = {},
): Promise<{ client: Client; peer: RawPeer; raw: RawServer }> {
  const { name, raw } = await rawServer(t);
  const connecting = clientAt(t, name, { encryption: false, ...options });
  const peer = await raw.accept();
  await openAsServer(peer);
  return { client: await connecting, peer, raw };
}

/** Which wire two ends of ours speak: by themselves the native one. */
export type Wire = "classic" | "native";

/** What starts servers whose clients speak that wire with them. */
export interface WireEndpoints {
  readonly freshServer: typeof freshServer;
  readonly connectedPair: typeof connectedPair;
}

/** Each profile, encrypted and in the clear, for tests that look at all four. */
export const profiles = [
  { profile: "native", encryption: true },
  { profile: "native", encryption: false },
  { profile: "classic", encryption: true },
  { profile: "classic", encryption: false },
] as const;

/** For tests of what holds on either wire. */
export function onEachWire(define: (wire: Wire, endpoints: WireEndpoints) => void): void {
  for (const wire of ["classic", "native"] as const) {
    // Left to the default, which bare sockets that speak classic can connect to as well.
    const profile = wire === "classic" ? { profile: "classic" as const } : {};
    define(wire, {
      freshServer: (t, options = {}) => freshServer(t, { ...profile, ...options }),
      connectedPair: (t, { server, client } = {}) =>
        connectedPair(t, { server: { ...profile, ...server }, ...(client && { client }) }),
    });
  }
}
