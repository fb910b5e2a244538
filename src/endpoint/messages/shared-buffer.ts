/** Methods of ES2024: Node has them from 22 on. */
const takingMethods = ["transfer", "transferToFixedLength"] as const;

type Mark = (buffer: ArrayBufferLike) => void;

let mark: Mark | undefined;
/** Node 22 and Bun obey the mark when a buffer is posted or cloned, but not in its `transfer` methods. */
let markHoldsAll = false;

/** Makes `buffer` untransferable: several messages have their data in it, and a transfer would take all of them. */
export function keepWhole(buffer: ArrayBufferLike): void {
  mark ??= loadMark();
  mark(buffer);
  if (markHoldsAll) return;
  for (const method of takingMethods) Object.defineProperty(buffer, method, { value: refuse });
}

/**
 * Loaded only when needed: a program that receives few messages needs neither it nor the modules that Node loads for
 * it.
 */
function loadMark(): Mark {
  const { markAsUntransferable } = process.getBuiltinModule("node:worker_threads");
  markHoldsAll = holdsAll(markAsUntransferable);
  return markAsUntransferable;
}

function holdsAll(mark: Mark): boolean {
  const buffer = new ArrayBuffer(1);
  mark(buffer);
  try {
    (buffer as Transferable).transfer?.();
  } catch {
    // The mark works, as it should.
  }
  return buffer.byteLength === 1;
}

function refuse(): never {
  throw new TypeError("this buffer also contains the data of other messages: transfer a copy, data.slice()");
}

interface Transferable {
  transfer?(): ArrayBuffer;
}
