import type { Address } from "#dist/transport/address.js";
import { connectFailed } from "#dist/transport/connect-failure.js";
import { addressInUse } from "#dist/transport/net-transport.js";
import { setImmediate } from "#dist/transport/timers.js";
import type {
  Listener,
  ListenOptions,
  Transport,
  TransportHandler,
  TransportProvider,
} from "#dist/transport/transport.js";

/** Max bytes that wait for one side to read them, as in a socket's buffer. */
const bufferBytes = 65_536;

/**
 * Transports within this process, for tests: they behave as sockets do, without files. Addresses are shared by all who
 * use one provider.
 */
export function createMemoryTransports(): TransportProvider {
  const listening = new Map<string, ListenOptions>();
  return {
    async listen(address: Address, options: ListenOptions): Promise<Listener> {
      if (listening.has(address.path)) throw addressInUse(address, "another server listens there");
      listening.set(address.path, options);
      return {
        async close() {
          listening.delete(address.path);
        },
        setReferenced() {},
      };
    },

    async connect(address: Address, signal: AbortSignal): Promise<Transport> {
      await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
      const options = listening.get(address.path);
      if (options === undefined) {
        const cause = Object.assign(new Error("nobody listens there"), { code: "ENOENT" });
        throw connectFailed(address, cause);
      }
      const [ours, theirs] = createMemoryPair();
      setImmediate(() => options.accepted(theirs));
      return ours;
    },
  };
}

/** Two ends of one connection. */
export function createMemoryPair(): [MemoryTransport, MemoryTransport] {
  const one = new MemoryTransport();
  const other = new MemoryTransport();
  one.connectTo(other);
  other.connectTo(one);
  return [one, other];
}

export class MemoryTransport implements Transport {
  /** Until it is connected, itself. */
  #peer: MemoryTransport = this;
  #handler: TransportHandler | undefined;
  /** Written and not yet in the peer's buffer. */
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  /** In this side's buffer, not yet read. */
  #arrived: Uint8Array[] = [];
  #arrivedBytes = 0;
  #paused = true;
  #writeEnded = false;
  #peerEnded = false;
  #endTold = false;
  #destroyed = false;
  #destroyWhenEnded = false;
  #scheduled = false;

  connectTo(peer: MemoryTransport): void {
    this.#peer = peer;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  start(handler: TransportHandler): void {
    this.#handler = handler;
    if (this.#destroyed) this.#tellClosed();
    else this.resume();
  }

  write(parts: readonly Uint8Array[]): boolean {
    if (this.#destroyed) return false;
    for (const part of parts) {
      if (part.length === 0) continue;
      this.#pending.push(Uint8Array.from(part));
      this.#pendingBytes += part.length;
    }
    this.#schedule();
    return this.#pendingBytes === 0;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#schedule();
  }

  end(): void {
    this.#writeEnded = true;
    this.#schedule();
  }

  endAndDestroy(): void {
    this.#destroyWhenEnded = true;
    this.end();
  }

  destroy(): void {
    this.#close();
    this.#peer.#peerEnded = true;
    this.#peer.#schedule();
  }

  /** Nothing here keeps a process alive. */
  setReferenced(): void {}

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#turn();
    });
  }

  #turn(): void {
    this.#moveToPeer();
    this.#deliver();
    if (!this.#writeEnded || this.#pendingBytes > 0) return;
    if (this.#destroyWhenEnded) this.destroy();
    else if (this.#endTold) this.#close();
  }

  #moveToPeer(): void {
    const peer = this.#peer;
    if (this.#destroyed) return;
    const hadPending = this.#pendingBytes > 0;
    for (let piece = this.#takePending(); piece !== undefined; piece = this.#takePending()) {
      // A peer that is gone takes nothing any more, and nobody is told.
      if (!peer.#destroyed) peer.#arrive(piece);
    }
    if (hadPending && this.#pendingBytes === 0) this.#handler?.drained();
    if (this.#writeEnded && this.#pendingBytes === 0) {
      peer.#peerEnded = true;
      peer.#schedule();
    }
  }

  /** What is pending, as far as the peer's buffer has room. */
  #takePending(): Uint8Array | undefined {
    const room = bufferBytes - this.#peer.#arrivedBytes;
    const [part] = this.#pending;
    if (part === undefined || room <= 0) return undefined;
    const piece = part.subarray(0, room);
    if (piece.length === part.length) this.#pending.shift();
    else this.#pending[0] = part.subarray(room);
    this.#pendingBytes -= piece.length;
    return piece;
  }

  #arrive(part: Uint8Array): void {
    this.#arrived.push(part);
    this.#arrivedBytes += part.length;
    this.#schedule();
  }

  #deliver(): void {
    while (!this.#paused && this.#handler !== undefined && this.#arrived.length > 0) {
      const chunk = this.#arrived.shift() as Uint8Array;
      this.#arrivedBytes -= chunk.length;
      this.#handler.chunk(chunk);
    }
    if (this.#arrivedBytes < bufferBytes && this.#peer.#pendingBytes > 0) this.#peer.#schedule();
    if (this.#peerEnded && !this.#endTold && this.#arrived.length === 0 && !this.#paused) {
      this.#endTold = true;
      this.#handler?.ended();
    }
  }

  #close(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#arrived = [];
    this.#arrivedBytes = 0;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#peer.#schedule();
    this.#tellClosed();
  }

  #tellClosed(): void {
    const handler = this.#handler;
    this.#handler = undefined;
    setImmediate(() => handler?.closed());
  }
}
