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
/** Fewer cost no less than each with a cipher of its own. */
const minFrames = 4;
/** Where nonces are gathered: they are copied before anybody else gathers some. */
const nonces = new Uint8Array(maxBatchSize(0) * aeadNonceBytes);

/**
 * Opens runs of short messages that have arrived together. It looks for their nonces in what is still to be read, which
 * decides nothing: each frame is read and checked in its turn, and one that is not what it looked like does not open.
 */
export class OpeningBatch {
  readonly #aead: Aead;
  /** Made once frames have arrived together. */
  #batch: BatchAead | undefined;

  constructor(aead: Aead) {
    this.#aead = aead;
  }

  /** Whether the next payload is for this. */
  get isPrepared(): boolean {
    return this.#batch !== undefined && this.#batch.prepared > 0;
  }

  /** `chunk`: from the start of a frame. */
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

  /** Not the cipher that it was made with. */
  wipe(): void {
    this.#batch?.wipe();
  }
}
