const bucketsPerOctave = 8;
const octaves = 32;

/** Times, counted in buckets that are 9 % wide: whatever their number, they take one kilobyte. */
export class Latencies {
  readonly #buckets = new Uint32Array(octaves * bucketsPerOctave);
  #count = 0;
  #maxMs = 0;

  get count(): number {
    return this.#count;
  }

  get maxMs(): number {
    return this.#maxMs;
  }

  add(ms: number): void {
    const bucket = bucketOf(ms);
    this.#buckets[bucket] = (this.#buckets[bucket] as number) + 1;
    this.#count += 1;
    this.#maxMs = Math.max(this.#maxMs, ms);
  }

  /** A time that `fraction` of all do not exceed, up to 9 % too long; 0 if there are none. */
  quantile(fraction: number): number {
    const rank = Math.max(1, Math.ceil(fraction * this.#count));
    let seen = 0;
    for (const [bucket, count] of this.#buckets.entries()) {
      seen += count;
      if (seen >= rank && count > 0) return Math.min(boundMs(bucket), this.#maxMs);
    }
    return 0;
  }

  /** How many took up to so long: bounds double, and those before the first and after the last call are left out. */
  histogram(): (readonly [upToMs: number, count: number])[] {
    const counts = Array.from({ length: octaves }, (_, octave) => {
      const from = octave * bucketsPerOctave;
      return this.#buckets.subarray(from, from + bucketsPerOctave).reduce((sum, count) => sum + count, 0);
    });
    const first = counts.findIndex((count) => count > 0);
    if (first < 0) return [];
    const last = counts.findLastIndex((count) => count > 0);
    return counts
      .slice(first, last + 1)
      .map((count, at) => [rounded(2 ** (first + at + 1) / 1000), count] as const);
  }

  clear(): void {
    this.#buckets.fill(0);
    this.#count = 0;
    this.#maxMs = 0;
  }
}

/** The first is up to 1.09 µs, the last has all that took more than an hour. */
function bucketOf(ms: number): number {
  const bucket = Math.ceil(Math.log2(Math.max(ms * 1000, 1)) * bucketsPerOctave) - 1;
  return Math.min(Math.max(bucket, 0), octaves * bucketsPerOctave - 1);
}

function boundMs(bucket: number): number {
  return rounded(2 ** ((bucket + 1) / bucketsPerOctave) / 1000);
}

export function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
