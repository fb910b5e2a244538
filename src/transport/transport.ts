import type { Address } from "./address.ts";

/** What a transport tells whoever drives it. Nothing is called before `start`, nor after `closed`. */
export interface TransportHandler {
  /** Bytes from the peer, cut anywhere. The chunk is the handler's from now on: the transport keeps nothing of it. */
  chunk(chunk: Uint8Array): void;
  /** The peer sends no more. What we write may still reach it. */
  ended(): void;
  /** Everything written has left this process: the parts of the last write are the caller's again. */
  drained(): void;
  /** The transport is gone; with an error where it failed. */
  closed(error?: Error): void;
}

/** Moves bytes between two processes, in order. */
export interface Transport {
  /** Begins to read. Called once. */
  start(handler: TransportHandler): void;
  /**
   * Takes the parts of one write, in one system call where the platform can. Their memory is the transport's until it has
   * given all of it to the system: at once if this returns true, otherwise when it calls `drained`. If the transport
   * ends before that, however it ends, the memory is never the caller's again, and nobody may reuse or free it: the
   * system may still be reading it.
   */
  write(parts: readonly Uint8Array[]): boolean;
  /** Bytes taken and not yet given to the system. While there are any, `drained` will follow. */
  readonly pendingBytes: number;
  /** Stops reading, so that the peer's writes fill up and it has to wait. */
  pause(): void;
  resume(): void;
  /** Says that nothing more will be written, once what is pending has left. Reading goes on. */
  end(): void;
  /** The same, and drops the connection once the peer has been told. */
  endAndDestroy(): void;
  /** Drops the connection, and what is pending with it. */
  destroy(): void;
  /** Whether it keeps the process alive. It does until it is told otherwise. */
  setReferenced(referenced: boolean): void;
}

/** Accepts transports. */
export interface Listener {
  /** Accepts no more and gives the address free. Transports that were accepted live on. */
  close(): Promise<void>;
  /** Whether it keeps the process alive. It does until it is told otherwise. */
  setReferenced(referenced: boolean): void;
}

export interface ListenOptions {
  /** Whether every user of the machine may connect, or only the one whose process listens. */
  readonly openToAllUsers: boolean;
  /**
   * Whether a server is alive behind an address that is taken. Only what is certainly dead is replaced. Asked on
   * platforms where an address outlives its server.
   */
  isAlive(address: Address): Promise<boolean>;
  /**
   * How often to look whether the address is still there, on platforms where it can vanish under its server, in
   * milliseconds; 0, or not given: never.
   */
  readonly addressCheckIntervalMs?: number;
  /** A process has connected. Its transport reads nothing until it is started. */
  accepted(transport: Transport): void;
  /** The listener failed while it listened, or has lost its address: a SystemError `ERR_ADDRESS_LOST`. It goes on. */
  failed(error: Error): void;
}

/** Looks at an address from outside. */
export interface Watch {
  /** Whether it looks. The system may not let it, or may have ended it. */
  readonly isOpen: boolean;
  close(): void;
}

/** One kind of transport: how to listen and how to connect. */
export interface TransportProvider {
  /** @throws SystemError `ERR_ADDRESS_IN_USE`, `ERR_ADDRESS_UNTRUSTED` or `ERR_LISTEN_FAILED`. */
  listen(address: Address, options: ListenOptions): Promise<Listener>;
  /** @throws SystemError `ERR_CONNECT_FAILED`, `ERR_ADDRESS_UNTRUSTED`, or the signal's reason. */
  connect(address: Address, signal: AbortSignal): Promise<Transport>;
  /**
   * Calls `changed` when a server may have come to the address or gone from it. Not there if nothing of an address can be
   * seen from outside.
   */
  watch?(address: Address, changed: () => void): Watch;
}
