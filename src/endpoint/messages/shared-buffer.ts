import { markAsUntransferable } from "node:worker_threads";

/** Methods of ES2024: Node has them from 22 on. */
const takingMethods = ["transfer", "transferToFixedLength"] as const;

/** Node 22 and Bun heed the mark when a buffer is posted or cloned, but not when it is asked for its memory itself. */
const markHoldsAll = holdsAll();

/** Has `buffer` refuse to be transferred: several messages have their data in it, and whoever took one would take all. */
export function keepWhole(buffer: ArrayBufferLike): void {
  markAsUntransferable(buffer);
  if (markHoldsAll) return;
  for (const method of takingMethods) Object.defineProperty(buffer, method, { value: refuse });
}

function holdsAll(): boolean {
  const buffer = new ArrayBuffer(1);
  markAsUntransferable(buffer);
  try {
    (buffer as Transferable).transfer?.();
  } catch {
    // As it should.
  }
  return buffer.byteLength === 1;
}

function refuse(): never {
  throw new TypeError("this buffer has the data of other messages, too: transfer a copy, data.slice()");
}

interface Transferable {
  transfer?(): ArrayBuffer;
}
