import { maxBatchSize } from "../batch-size.ts";
import {
  type Aead,
  aeadNonceBytes,
  aeadTagBytes,
  type BatchAead,
  maxBatchedBytes,
} from "../crypto-provider.ts";
import { readUint32 } from "../integers.ts";
import { lengthBytes } from "../length-prefix.ts";

const overheadBytes = aeadNonceBytes + aeadTagBytes;
/** A batch of fewer saves nothing over a cipher object for each. */
const minFrames = 4;
/** Where nonces are gathered. All instances share it: `prepare` copies it at once. */
const nonces = new Uint8Array(maxBatchSize(0) * aeadNonceBytes);

/**
 * Opens runs of short messages that have arrived together. It reads their nonces ahead, from frames that are still
 * unchecked. That decides nothing: each frame is read and checked in its turn, and a frame whose nonce is another
 * than expected does not open.
 */
export class OpeningBatch {
  readonly #aead: Aead;
  /** Created once frames have arrived together. */
  #batch: BatchAead | undefined;

  constructor(aead: Aead) {
    this.#aead = aead;
  }

  /** Whether the next payload is to be opened by this. */
  get isPrepared(): boolean {
    return this.#batch !== undefined && this.#batch.prepared > 0;
  }

  /** `chunk` starts with a frame. */
  lookAhead(chunk: Uint8Array): void {
    let frames = 0;
    let longest = 0;
    for (let start = 0; chunk.length - start >= lengthBytes; frames++) {
      const payloadBytes = readUint32(chunk, start);
      const plaintextBytes = payloadBytes - overheadBytes;
      const nonce = start + lengthBytes;
      if (plaintextBytes < 0 || plaintextBytes > maxBatchedBytes || nonce + payloadBytes > chunk.length)
        break;
      if (frames >= maxBatchSize(Math.max(longest, plaintextBytes))) break;
      nonces.set(chunk.subarray(nonce, nonce + aeadNonceBytes), frames * aeadNonceBytes);
      if (plaintextBytes > longest) longest = plaintextBytes;
      start = nonce + payloadBytes;
    }
    if (frames < minFrames) return;
    this.#batch ??= this.#aead.createBatch("carried");
    this.#batch?.prepare(nonces.subarray(0, frames * aeadNonceBytes), longest);
  }

  open(payload: Uint8Array): Uint8Array | undefined {
    return this.#batch?.openNext(payload);
  }

  /** Wipes the batch, not the AEAD that it was created with. */
  wipe(): void {
    this.#batch?.wipe();
  }
}
