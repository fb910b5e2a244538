import {
  createConnection,
  createServer,
  type ListenOptions as NetListenOptions,
  type Server,
  type Socket,
} from "node:net";
import { SystemError } from "../errors.ts";
import type { Address } from "./address.ts";
import { connectFailed } from "./connect-failure.ts";
import { onWriteFailure, readOutThenDestroy } from "./net-write-failure.ts";
import { setReferenced } from "./referenced.ts";
import { messageOf } from "./system-errors.ts";
import { clearInterval, setInterval } from "./timers.ts";
import type { ListenOptions, Transport, TransportHandler } from "./transport.ts";

/** A `node:net` socket as a transport: what Unix sockets and named pipes have in common. */
export class NetTransport implements Transport {
  readonly #socket: Socket;
  #handler: TransportHandler | undefined;
  #error: Error | undefined;
  #keepAlive: NodeJS.Timeout | undefined;
  #referenced = true;
  /** A write has failed; what the peer had sent is being read, even while paused. */
  #readingOut = false;
  #closed = false;
  // One function for all writes: a closure for each would be the largest allocation of a small write.
  readonly #written = (error?: Error | null): void => {
    // Also called, with or without an error, after the socket was destroyed: then what was dropped has not left.
    if (error || this.#socket.destroyed) return;
    if (this.pendingBytes === 0) this.#handler?.drained();
  };

  /** `socket` was created with `allowHalfOpen`, and reads nothing yet. */
  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("error", (error) => {
      this.#error = error;
    });
    onWriteFailure(socket, (error) => this.#writeFailed(error));
  }

  get pendingBytes(): number {
    return this.#socket.writableLength;
  }

  start(handler: TransportHandler): void {
    this.#handler = handler;
    const socket = this.#socket;
    const take = (chunk: Buffer): void => handler.chunk(plainBytes(chunk));
    socket.on("data", take);
    socket.once("end", () => {
      if (!this.#readingOut) handler.ended();
    });
    socket.once("close", () => {
      this.#closed = true;
      this.#stopKeepingAlive();
      this.#handler = undefined;
      // A socket that fails while it is paused still buffers what it had read before.
      const rest: Buffer | null = this.#error === undefined ? null : socket.read();
      if (rest !== null) take(rest);
      handler.closed(this.#error);
    });
    if (socket.destroyed) process.nextTick(() => socket.emit("close"));
    else socket.resume();
  }

  write(parts: readonly Uint8Array[]): boolean {
    const socket = this.#socket;
    const last = parts.length - 1;
    if (last === 0) {
      socket.write(parts[0] as Uint8Array, this.#written);
    } else {
      // Corked, so that all parts leave in one system call.
      socket.cork();
      parts.forEach((part, index) => {
        socket.write(part, index === last ? this.#written : undefined);
      });
      socket.uncork();
    }
    // A destroyed socket has nothing pending either, but the system may still be at a write.
    return this.pendingBytes === 0 && !socket.destroyed;
  }

  pause(): void {
    if (this.#readingOut || this.#closed) return;
    this.#socket.pause();
    // A paused socket does not keep the process alive, which then would end before a caller that waits for it goes
    // on.
    this.#keepAlive ??= setInterval(() => {}, longMs);
    if (!this.#referenced) this.#keepAlive.unref();
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
    // Not `end` and `destroy`: that would cancel the end, and with something unread the peer would see a reset.
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  setReferenced(referenced: boolean): void {
    this.#referenced = referenced;
    setReferenced(this.#socket, referenced);
    if (this.#keepAlive !== undefined) setReferenced(this.#keepAlive, referenced);
  }

  #writeFailed(error: Error): void {
    if (this.#handler === undefined || this.#socket.readableEnded) {
      this.#socket.destroy(error);
      return;
    }
    this.#readingOut = true;
    this.resume();
    readOutThenDestroy(this.#socket, error);
  }
}

/** Not a `Buffer`: `slice` and `toString` of a message must not depend on how the chunks were cut. */
function plainBytes({ buffer, byteOffset, length }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
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

/**
 * How many clients may wait to be accepted. Only a few are accepted in each turn of the event loop, and past this
 * number the system turns clients away. It is Linux's default max; other systems allow fewer.
 */
const backlog = 4_096;

/** A `node:net` server that listens at `at`. Rejects with the system's own error. */
export function listenNet(
  at: NetListenOptions & { readonly fd?: number },
  options: ListenOptions,
): Promise<Server> {
  return new Promise((resolve, reject) => {
    // Paused, so that the system keeps what a peer sends until the transport is started.
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      options.accepted(new NetTransport(socket));
    });
    server.once("error", reject);
    server.listen({ ...at, backlog }, () => {
      server.off("error", reject);
      server.on("error", (error) => options.failed(error));
      resolve(server);
    });
  });
}

export function listenFailed({ path, shown = path }: Address, cause: unknown): SystemError {
  return new SystemError("ERR_LISTEN_FAILED", `cannot listen at ${shown}: ${messageOf(cause)}`, {
    cause,
  });
}

export function addressInUse({ path, shown = path }: Address, reason: string, cause?: unknown): SystemError {
  return new SystemError(
    "ERR_ADDRESS_IN_USE",
    `the address ${shown} is in use: ${reason}`,
    cause === undefined ? undefined : { cause },
  );
}
