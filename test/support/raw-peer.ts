import { createConnection, createServer, type Server, type Socket } from "node:net";
import { resolveAddress } from "#dist/transport/address.js";
import { concat } from "./bytes.ts";
import { plainWire } from "./hand-made-peer.ts";

/** Where the endpoints look for that name. */
export function addressOf(name: string, directory = "/tmp"): string {
  return resolveAddress(name, { directory, platform: process.platform }).path;
}

/**
 * One end of a bare socket: a peer that sends any bytes, right or wrong, and reads only what the test asks for. A
 * peer that reads nothing fills the system's buffers, like a program that hangs.
 */
export class RawPeer {
  readonly #socket: Socket;
  readonly #waiting = new Set<() => void>();
  #over = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    // A peer that drops us is what some tests are about.
    socket.on("error", () => {});
    // With this listener the socket reads a buffer full and no more, until it is asked.
    socket.on("readable", () => this.#wake());
    for (const event of ["end", "close"]) {
      socket.once(event, () => {
        this.#over = true;
        this.#wake();
      });
    }
  }

  static connect(path: string): Promise<RawPeer> {
    return new Promise((resolve, reject) => {
      const socket = createConnection({ path, allowHalfOpen: true });
      socket.once("error", reject);
      socket.once("connect", () => resolve(new RawPeer(socket)));
    });
  }

  send(...parts: readonly Uint8Array[]): void {
    this.#socket.write(concat(...parts));
  }

  /** What was sent and has not left this process: the other side does not read it. */
  get pendingBytes(): number {
    return this.#socket.writableLength;
  }

  /** Exactly the next `count` bytes. */
  async receive(count: number): Promise<Uint8Array> {
    for (;;) {
      const bytes: Uint8Array | null = this.#socket.read(count);
      if (bytes?.length === count) return Uint8Array.from(bytes);
      if (bytes !== null || this.#over) throw new Error(`the stream ended before ${count} bytes were there`);
      await this.#change();
    }
  }

  /** Everything up to the end, or until the connection is dropped. */
  async receiveToEnd(): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (;;) {
      const bytes: Uint8Array | null = this.#socket.read();
      if (bytes !== null) parts.push(bytes);
      else if (this.#over) return concat(...parts);
      else await this.#change();
    }
  }

  /** Says that nothing more comes; what the other side sends can still be received. */
  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }
}

/** A listening bare socket, to play any kind of server. */
export class RawServer {
  readonly #server: Server;
  readonly #accepted: RawPeer[] = [];
  readonly #peers: RawPeer[] = [];
  #wake: () => void = () => {};

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => {
      const peer = new RawPeer(socket);
      this.#accepted.push(peer);
      this.#peers.push(peer);
      this.#wake();
    });
  }

  static listen(path: string): Promise<RawServer> {
    return new Promise((resolve, reject) => {
      const server = createServer({ allowHalfOpen: true });
      server.once("error", reject);
      server.listen(path, () => resolve(new RawServer(server)));
    });
  }

  /** The next client. */
  async accept(): Promise<RawPeer> {
    for (;;) {
      const peer = this.#accepted.shift();
      if (peer !== undefined) return peer;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Stops listening and drops every client. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const peer of this.#peers) peer.destroy();
    await closed;
  }
}

export const plainHello = Uint8Array.of(2, 0);
export const encryptedHello = Uint8Array.of(2, 1);
export const accepted = Uint8Array.of(0);
export const confirmation = Uint8Array.of(0);

/** Plays a server without encryption up to the open session. */
export async function openAsServer(peer: RawPeer, maxMessageBytes = 3_145_728): Promise<void> {
  peer.send(plainHello);
  await peer.receive(1);
  peer.send(plainWire.maximumSize(maxMessageBytes));
  await peer.receive(1);
}

/** The next frame's payload. */
export async function receiveFrame(peer: RawPeer): Promise<Uint8Array> {
  const header = await peer.receive(4);
  return peer.receive(new DataView(header.buffer, header.byteOffset).getUint32(0));
}

/** Plays a client of a server without encryption up to the open session. */
export async function openAsClient(peer: RawPeer): Promise<void> {
  await peer.receive(2);
  peer.send(accepted);
  await receiveFrame(peer);
  peer.send(confirmation);
}
