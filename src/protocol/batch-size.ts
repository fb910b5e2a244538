const minMessages = 8;
const maxMessages = 64;
/** Prepared keystream that nobody uses is memory that a quiet connection holds. */
const maxBytes = 16_384;

/** For how many messages of at most so many bytes a batch is prepared at most. */
export function maxBatchSize(plaintextBytes: number): number {
  return Math.max(1, Math.min(maxMessages, Math.floor(maxBytes / (plaintextBytes + 1))));
}

/** For how many it is prepared next, where the last was for `last`, or 0: who goes on sends more. */
export function nextBatchSize(last: number, plaintextBytes: number): number {
  return Math.min(Math.max(minMessages, last * 2), maxBatchSize(plaintextBytes));
}
