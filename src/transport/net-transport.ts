import {
  createConnection,
  createServer,
  type ListenOptions as NetListenOptions,
  type Server,
  type Socket,
} from "node:net";
import { SystemError } from "../errors.ts";
import type { Address } from "./address.ts";
import type { ListenOptions, Transport, TransportHandler } from "./transport.ts";

/** A `node:net` socket as a transport: what Unix sockets and named pipes have in common. */
export class NetTransport implements Transport {
  readonly #socket: Socket;
  #handler: TransportHandler | undefined;
  #error: Error | undefined;
  #keepAlive: NodeJS.Timeout | undefined;
  // One function for all writes: a closure for each would be the largest thing a small write allocates.
  readonly #written = (error?: Error | null): void => {
    // Called, with or without an error, also where the socket is destroyed: what was dropped has not left.
    if (error || this.#socket.destroyed) return;
    if (this.pendingBytes === 0) this.#handler?.drained();
  };

  /** The socket was made with `allowHalfOpen`, and reads nothing yet. */
  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("error", (error) => {
      this.#error = error;
    });
  }

  get pendingBytes(): number {
    return this.#socket.writableLength;
  }

  start(handler: TransportHandler): void {
    this.#handler = handler;
    const socket = this.#socket;
    // A plain Uint8Array, as everywhere: what `slice` and `toString` of a message do must not hang on how it was cut.
    socket.on("data", ({ buffer, byteOffset, length }: Buffer) => {
      handler.chunk(new Uint8Array(buffer, byteOffset, length));
    });
    socket.once("end", () => handler.ended());
    socket.once("close", () => {
      this.#stopKeepingAlive();
      this.#handler = undefined;
      handler.closed(this.#error);
    });
    if (socket.destroyed) process.nextTick(() => socket.emit("close"));
    else socket.resume();
  }

  write(parts: readonly Uint8Array[]): void {
    const last = parts.length - 1;
    // Corked, so that all parts leave in one system call.
    this.#socket.cork();
    parts.forEach((part, index) => {
      this.#socket.write(part, index === last ? this.#written : undefined);
    });
    this.#socket.uncork();
  }

  pause(): void {
    this.#socket.pause();
    // A socket that is not read does not keep the process alive, and whoever waits for it would not be told.
    this.#keepAlive ??= setInterval(() => {}, longMs);
  }

  resume(): void {
    this.#stopKeepingAlive();
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  #stopKeepingAlive(): void {
    clearInterval(this.#keepAlive);
    this.#keepAlive = undefined;
  }

  endAndDestroy(): void {
    // Not `end` and `destroy`: that would take the end back, and with something unread the peer would see a reset.
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

const longMs = 0x7fff_ffff;

/** @throws SystemError `ERR_CONNECT_FAILED`, or the signal's reason. */
export function connectNet(address: Address, signal: AbortSignal): Promise<Transport> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket = createConnection({ path: address.path, allowHalfOpen: true });
    const settle = (act: () => void): void => {
      signal.removeEventListener("abort", aborted);
      socket.removeAllListeners();
      act();
    };
    const aborted = (): void =>
      settle(() => {
        socket.on("error", () => {});
        socket.destroy();
        reject(signal.reason);
      });
    signal.addEventListener("abort", aborted);
    socket.once("connect", () => settle(() => resolve(new NetTransport(socket))));
    socket.once("error", (cause) => settle(() => reject(connectFailed(address, cause))));
  });
}

function connectFailed(address: Address, cause: Error): SystemError {
  return new SystemError("ERR_CONNECT_FAILED", `cannot connect to ${address.path}: ${cause.message}`, {
    cause,
  });
}

/** A `node:net` server that listens at `at`. Rejects with the system's own error. */
export function listenNet(at: NetListenOptions, options: ListenOptions): Promise<Server> {
  return new Promise((resolve, reject) => {
    // Paused, so that the system keeps what a peer sends until someone wants it.
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      options.accepted(new NetTransport(socket));
    });
    server.once("error", reject);
    server.listen(at, () => {
      server.off("error", reject);
      server.on("error", (error) => options.failed(error));
      resolve(server);
    });
  });
}

export function listenFailed(address: Address, cause: unknown): SystemError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SystemError("ERR_LISTEN_FAILED", `cannot listen at ${address.path}: ${reason}`, { cause });
}

export function addressInUse(address: Address, reason: string, cause?: unknown): SystemError {
  return new SystemError(
    "ERR_ADDRESS_IN_USE",
    `the address ${address.path} is in use: ${reason}`,
    cause === undefined ? undefined : { cause },
  );
}
