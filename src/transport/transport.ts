import type { Duplex } from "node:stream";
import type { Address } from "./address.ts";

/** A transport's callbacks. None is called before `start`, nor after `closed`. */
export interface TransportHandler {
  /** Bytes from the peer, cut anywhere. From now on the chunk belongs to the handler. */
  chunk(chunk: Uint8Array): void;
  /** The peer sends no more. What this end writes may still reach it. */
  ended(): void;
  /** Everything written has left this process: the parts of the last write belong to the caller again. */
  drained(): void;
  /** The transport is gone; with an error if it failed. */
  closed(error?: Error): void;
}

/** Moves bytes between two processes, in order. */
export interface Transport {
  /** The duplex stream that it is, if a program handed that in. */
  readonly duplex?: Duplex;
  /** Begins to read. Called once. */
  start(handler: TransportHandler): void;
  /**
   * Writes `parts`, in one system call if the platform can. Their memory belongs to the transport until it has handed
   * all of it to the system: at once if this returns true, otherwise when it calls `drained`. If the transport ends
   * before that, in whatever way, nobody may reuse or free the memory any more: the system may still be reading it.
   */
  write(parts: readonly Uint8Array[]): boolean;
  /** Bytes written and not yet handed to the system. While there are any, `drained` will follow. */
  readonly pendingBytes: number;
  /** Stops reading, so that the peer's writes fill up and it has to wait. */
  pause(): void;
  resume(): void;
  /** Ends the writing side once what is pending has left. Reading goes on. */
  end(): void;
  /** The same, and drops the connection once the end has been sent. */
  endAndDestroy(): void;
  /** Drops the connection, and what is pending with it. */
  destroy(): void;
  /** Sets whether it keeps the process alive. By default it does. */
  setReferenced(referenced: boolean): void;
}

/** Accepts transports. */
export interface Listener {
  /** Stops accepting and frees the address. Accepted transports live on. */
  close(): Promise<void>;
  /** Sets whether it keeps the process alive. By default it does. */
  setReferenced(referenced: boolean): void;
}

export interface ListenOptions {
  /** Whether every user of the machine may connect, or only the user whose process listens. */
  readonly openToAllUsers: boolean;
  /**
   * Whether a server is alive at an address that is in use. Only a socket that is certainly dead is replaced. Called
   * on platforms where an address outlives its server.
   */
  isAlive(address: Address): Promise<boolean>;
  /**
   * How often to check that the address is still there, in milliseconds, on platforms where it can vanish while its
   * server lives; 0 or not given: never.
   */
  readonly addressCheckIntervalMs?: number;
  /** A descriptor that listens already, or `"systemd"` for the one that it has handed over, if it has. Unix sockets alone. */
  readonly fd?: number | "systemd" | undefined;
  /** A process has connected. Its transport reads nothing until it is started. */
  accepted(transport: Transport): void;
  /** The listener failed while it listened, or has lost its address (SystemError `ERR_ADDRESS_LOST`). It goes on. */
  failed(error: Error): void;
}

/** Watches an address. */
export interface Watch {
  /** False if the system does not allow the watch, or has ended it. */
  readonly isOpen: boolean;
  close(): void;
}

/** How to connect by one kind of transport. */
export interface Dialer {
  /** @throws SystemError `ERR_CONNECT_FAILED`, `ERR_ADDRESS_UNTRUSTED`, or the signal's reason. */
  connect(address: Address, signal: AbortSignal): Promise<Transport>;
  /**
   * Calls `changed` when a server may have appeared at the address or gone from it. Absent if addresses of this kind
   * cannot be watched.
   */
  watch?(address: Address, changed: () => void): Watch;
}

/** One kind of transport: how to listen and how to connect. */
export interface TransportProvider extends Dialer {
  /** @throws SystemError `ERR_ADDRESS_IN_USE`, `ERR_ADDRESS_UNTRUSTED` or `ERR_LISTEN_FAILED`. */
  listen(address: Address, options: ListenOptions): Promise<Listener>;
}
