import type { Socket } from "node:net";
import { type Channel, ignore, type Payload } from "./peer.ts";

const headBytes = 4;
/** What is smaller is copied behind its neighbours; what is larger goes out as it is. */
const copiedBytes = 16_384;
const smallBatchBytes = 2_048;
const batchBytes = 65_536;

/** Messages with a length before each, on a socket: the least that any other peer has to do as well. */
export class FramedSocket implements Channel {
  onMessage: (payload: Payload) => void = ignore;
  readonly #socket: Socket;
  readonly #coalesces: boolean;
  #batch = Buffer.allocUnsafe(smallBatchBytes);
  #used = 0;
  #scheduled = false;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #wantedBytes = headBytes;

  constructor(socket: Socket, coalesces: boolean) {
    this.#socket = socket;
    this.#coalesces = coalesces;
    socket.on("data", (chunk) => this.#receive(chunk));
    socket.on("error", ignore);
  }

  send(payload: Payload): Promise<unknown> | undefined {
    const bytes = payload as Uint8Array;
    if (this.#coalesces && bytes.length <= copiedBytes) this.#gather(bytes);
    else this.#writeNow(bytes);
    if (!this.#socket.writableNeedDrain) return undefined;
    return new Promise((resolve) => this.#socket.once("drain", resolve));
  }

  close(): void {
    this.#flush();
    this.#socket.end();
  }

  #writeNow(bytes: Uint8Array): void {
    this.#flush();
    if (bytes.length <= copiedBytes) {
      const frame = Buffer.allocUnsafe(headBytes + bytes.length);
      frame.writeUInt32BE(bytes.length);
      frame.set(bytes, headBytes);
      this.#socket.write(frame);
      return;
    }
    const head = Buffer.allocUnsafe(headBytes);
    head.writeUInt32BE(bytes.length);
    this.#socket.cork();
    this.#socket.write(head);
    this.#socket.write(bytes);
    this.#socket.uncork();
  }

  #gather(bytes: Uint8Array): void {
    const count = headBytes + bytes.length;
    if (this.#used + count > this.#batch.length) this.#flush();
    if (count > this.#batch.length) this.#batch = Buffer.allocUnsafe(batchBytes);
    this.#batch.writeUInt32BE(bytes.length, this.#used);
    this.#batch.set(bytes, this.#used + headBytes);
    this.#used += count;
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#used === 0) return;
    this.#socket.write(this.#batch.subarray(0, this.#used));
    // The socket may still hold what it was given. A batch that was full is followed by a large one.
    this.#batch = Buffer.allocUnsafe(this.#used * 2 > this.#batch.length ? batchBytes : smallBatchBytes);
    this.#used = 0;
  }

  #receive(chunk: Buffer): void {
    if (this.#keptBytes === 0) {
      this.#split(chunk);
      return;
    }
    this.#kept.push(chunk);
    this.#keptBytes += chunk.length;
    if (this.#keptBytes < this.#wantedBytes) return;
    const joined = Buffer.concat(this.#kept, this.#keptBytes);
    this.#kept = [];
    this.#keptBytes = 0;
    this.#split(joined);
  }

  #split(chunk: Buffer): void {
    let offset = 0;
    this.#wantedBytes = headBytes;
    while (chunk.length - offset >= headBytes) {
      const end = offset + headBytes + chunk.readUInt32BE(offset);
      if (end > chunk.length) {
        this.#wantedBytes = end - offset;
        break;
      }
      this.onMessage(chunk.subarray(offset + headBytes, end));
      offset = end;
    }
    if (offset === chunk.length) return;
    this.#kept.push(offset === 0 ? chunk : chunk.subarray(offset));
    this.#keptBytes = chunk.length - offset;
  }
}
