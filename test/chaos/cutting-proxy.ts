import { randomInt } from "node:crypto";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";

/** What befell the connections that went through. */
export interface Harm {
  cuts: number;
  /** Cuts after a part of what one side had sent at once. */
  truncations: number;
  stalls: number;
  delays: number;
}

/** A connection is cut after at most so many bytes. Some are cut in the handshake, which has some 500. */
const maxBytesBeforeCut = 400_000;
const maxStallMs = 15;
const maxDelayMs = 3;

/**
 * Stands between a client and a server, and cuts, truncates, stalls and delays what they say to each other, at random,
 * until it has cut so many connections. After that it lets all through.
 */
export class CuttingProxy {
  readonly harm: Harm = { cuts: 0, truncations: 0, stalls: 0, delays: 0 };
  readonly #target: string;
  readonly #cuts: number;
  readonly #path: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Told once, with the last cut. */
  readonly allCut: Promise<void>;
  #tellAllCut: () => void = () => {};

  private constructor(path: string, target: string, cuts: number) {
    this.#path = path;
    this.#target = target;
    this.#cuts = cuts;
    this.allCut = new Promise((resolve) => {
      this.#tellAllCut = resolve;
    });
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#join(socket));
  }

  /** Listens at `path` and goes on to `target`. */
  static async start(path: string, target: string, cuts: number): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(path, target, cuts);
    proxy.#server.listen(path);
    await once(proxy.#server, "listening");
    return proxy;
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    rmSync(this.#path, { force: true });
    await once(this.#server, "close");
  }

  #join(client: Socket): void {
    const server = connect({ path: this.#target, allowHalfOpen: true });
    const pair = [client, server];
    for (const socket of pair) {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        for (const other of pair) other.destroy();
      });
    }
    const line = { left: this.#bytesBeforeCut(), cut: () => client.destroy() };
    this.#pass(client, server, line);
    this.#pass(server, client, line);
  }

  #bytesBeforeCut(): number {
    if (this.harm.cuts >= this.#cuts) return Number.POSITIVE_INFINITY;
    return randomInt(10) === 0 ? randomInt(600) : randomInt(maxBytesBeforeCut);
  }

  #pass(from: Socket, to: Socket, line: { left: number; cut(): void }): void {
    from.on("end", () => to.end());
    from.on("data", (chunk: Buffer) => {
      if (chunk.length >= line.left) {
        to.write(chunk.subarray(0, line.left), () => this.#cut(line, chunk.length > line.left));
        line.left = 0;
        from.pause();
        return;
      }
      line.left -= chunk.length;
      to.write(chunk);
      this.#hold(from, line);
    });
  }

  /** Now and then nothing comes through for a moment, one way, or for longer. */
  #hold(from: Socket, line: { readonly left: number }): void {
    if (line.left === Number.POSITIVE_INFINITY) return;
    const chance = randomInt(40);
    if (chance > 1) return;
    this.harm[chance === 0 ? "stalls" : "delays"] += 1;
    from.pause();
    setTimeout(() => from.resume(), 1 + randomInt(chance === 0 ? maxStallMs : maxDelayMs));
  }

  #cut(line: { cut(): void }, truncated: boolean): void {
    line.cut();
    this.harm.cuts += 1;
    if (truncated) this.harm.truncations += 1;
    if (this.harm.cuts === this.#cuts) this.#tellAllCut();
  }
}
