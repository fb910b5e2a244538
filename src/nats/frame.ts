/** What a message between two ends is: the kind, a number that counts those of its kind `data`, and bytes. */
export const kinds = { data: 0, end: 1, gone: 2, read: 3 } as const;

export type Kind = (typeof kinds)[keyof typeof kinds];

export interface Frame {
  readonly kind: number;
  /** Of `data` and `end` their number, of `read` how many bytes have been read; both modulo 2^32. */
  readonly number: number;
  readonly bytes: Uint8Array;
}

const headBytes = 5;

export function encodeFrame(kind: Kind, number: number, bytes?: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(headBytes + (bytes?.length ?? 0));
  frame.writeUInt8(kind);
  frame.writeUInt32BE(number >>> 0, 1);
  if (bytes !== undefined) frame.set(bytes, headBytes);
  return frame;
}

/** `undefined` for what is none. */
export function decodeFrame(data: Uint8Array): Frame | undefined {
  if (data.length < headBytes) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, headBytes);
  return { kind: view.getUint8(0), number: view.getUint32(1), bytes: data.subarray(headBytes) };
}

/** Bytes of a message besides those it carries. */
export const frameHeadBytes = headBytes;
