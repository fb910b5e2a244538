import { connect, createServer, type Server as NetServer, type Socket } from "node:net";
import type { TestContext } from "node:test";
import type { Client, ClientOptions, Connection, Server } from "sealpipe";
import { clientAt } from "./endpoints.ts";
import { freshName } from "./names.ts";
import { addressOf } from "./raw-peer.ts";
import { nextEvent } from "./waiting.ts";

/**
 * Stands between clients and a server, and cuts their connections or holds back their bytes when the test has it do
 * so.
 */
export class Relay {
  readonly name = freshName();
  readonly #target: string;
  readonly #server: NetServer;
  readonly #sockets = new Set<Socket>();
  #held = false;

  private constructor(target: string) {
    this.#target = target;
    this.#server = createServer((socket) => this.#join(socket));
  }

  /** Goes on to that address; gone after the test. */
  static async start(t: Pick<TestContext, "after">, target: string): Promise<Relay> {
    const relay = new Relay(target);
    await new Promise<void>((resolve) => relay.#server.listen(addressOf(relay.name), resolve));
    t.after(() => {
      relay.cut();
      return new Promise((resolve) => relay.#server.close(resolve));
    });
    return relay;
  }

  /** Breaks every connection at once. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Nothing comes through any more, either way, until `release`. */
  hold(): void {
    this.#held = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** Nothing comes through on the present connections any more, and neither end notices. Later ones work as usual. */
  holdOpen(): void {
    for (const socket of this.#sockets) {
      socket.removeAllListeners("close");
      socket.removeAllListeners("data");
      socket.pause();
    }
  }

  release(): void {
    this.#held = false;
    for (const socket of this.#sockets) socket.resume();
  }

  #join(client: Socket): void {
    const server = connect(this.#target);
    this.#pass(client, server);
    this.#pass(server, client);
  }

  #pass(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on("data", (chunk) => to.write(chunk));
    from.on("end", () => to.end());
    from.on("error", () => {});
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroy();
    });
    if (this.#held) from.pause();
  }
}

/** A further client of that server with a relay on the way, and the server's end of its connection. */
export async function connectThroughRelay(
  t: TestContext,
  server: Server,
  options: ClientOptions = {},
): Promise<{ relay: Relay; client: Client; connection: Connection }> {
  const relay = await Relay.start(t, server.address);
  const connected = nextEvent<[Connection]>(server, "connection");
  const client = await clientAt(t, relay.name, options);
  const [connection] = await connected;
  return { relay, client, connection };
}
