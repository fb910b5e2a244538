const minMessages = 8;
const maxMessages = 64;
/** Bounds the memory of prepared keystream, which an idle connection keeps. */
const maxBytes = 16_384;

/** Most messages of up to `plaintextBytes` bytes for which to prepare a batch. */
export function maxBatchSize(plaintextBytes: number): number {
  return Math.max(1, Math.min(maxMessages, Math.floor(maxBytes / (plaintextBytes + 1))));
}

/** Size of the next batch after one of `last` messages, or 0: a peer that keeps sending gets larger ones. */
export function nextBatchSize(last: number, plaintextBytes: number): number {
  return Math.min(Math.max(minMessages, last * 2), maxBatchSize(plaintextBytes));
}
