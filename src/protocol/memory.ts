/** Bytes that have arrived, and who owns their memory. */
export interface Received {
  readonly bytes: Uint8Array;
  /**
   * True if the receiver of the bytes owns their memory, which contains nothing else: it can keep it, hand it to the
   * application, or release it. False if the bytes are valid only until the next call to the object that returned
   * them; to keep them, copy them.
   */
  readonly owned: boolean;
  /** The part of the bytes that was last copied for the application, to offset `at` of a slab. */
  copy?: { readonly start: number; readonly end: number; readonly at: number };
}

/** Freeing less than this at once costs more than leaving it to the garbage collector. */
export const minReleasedBytes = 16_384;

/**
 * Frees the memory of `bytes` at once, if the runtime can. The caller must own that memory: nobody else may use it,
 * in particular not the system on behalf of a transport. Without this the garbage collector runs after every few
 * megabytes, and new buffers get only cold memory.
 *
 * If `bytes` is only a part of its buffer, nothing is freed: the rest may belong to somebody else.
 */
export function release(bytes: Uint8Array): void {
  if (bytes.length < minReleasedBytes || bytes.length !== bytes.buffer.byteLength) return;
  (bytes.buffer as Transferable).transfer?.(0);
}

/** Most bytes before a message's data in the memory in which it arrived: its length and header fields. */
const maxHeaderBytes = 12;

/**
 * The same for the data of a message, if its memory contains nothing but the message's header besides: nothing
 * follows the data, and before them there is no room for other data.
 */
export function releaseData({ buffer, byteOffset, length }: Uint8Array): void {
  if (byteOffset <= maxHeaderBytes && byteOffset + length === buffer.byteLength) {
    release(new Uint8Array(buffer));
  }
}

/** An `ArrayBuffer` in ES2024: Node from version 22 on. */
interface Transferable {
  /** Moves its content into a new buffer of `bytes` bytes, and is empty afterwards. */
  transfer?(bytes: number): ArrayBuffer;
}
