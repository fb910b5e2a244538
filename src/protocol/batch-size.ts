const fewestMessages = 8;
const mostMessages = 64;
/** Prepared keystream that nobody uses is memory that a quiet connection holds. */
const mostBytes = 16_384;

/** For how many messages of at most so many bytes a batch is prepared at most. */
export function highestBatchSize(plaintextBytes: number): number {
  return Math.max(1, Math.min(mostMessages, Math.floor(mostBytes / (plaintextBytes + 1))));
}

/** For how many it is prepared next, where the last was for `last`, or 0: who goes on sends more. */
export function nextBatchSize(last: number, plaintextBytes: number): number {
  return Math.min(Math.max(fewestMessages, last * 2), highestBatchSize(plaintextBytes));
}
