/** Methods of ES2024: Node has them from 22 on. */
const takingMethods = ["transfer", "transferToFixedLength"] as const;

type Mark = (buffer: ArrayBufferLike) => void;

let mark: Mark | undefined;
/** Node 22 and Bun heed the mark when a buffer is posted or cloned, but not when it is asked for its memory itself. */
let markHoldsAll = false;

/** Has `buffer` refuse to be transferred: several messages have their data in it, and whoever took one would take all. */
export function keepWhole(buffer: ArrayBufferLike): void {
  mark ??= loadMark();
  mark(buffer);
  if (markHoldsAll) return;
  for (const method of takingMethods) Object.defineProperty(buffer, method, { value: refuse });
}

/** Now and not before: a program that gets a few messages needs neither it nor the modules that Node loads for it. */
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
