import { shownMs } from "./quantities.ts";

/** Times, in milliseconds, and what is said of them. */
export class Histogram {
  readonly #times: number[] = [];
  #isSorted = true;

  add(ms: number): void {
    this.#times.push(ms);
    this.#isSorted = false;
  }

  get count(): number {
    return this.#times.length;
  }

  /** The time that `fraction` of all do not exceed: 0.5 is the median, 1 the longest. `NaN` if there are none. */
  quantile(fraction: number): number {
    const times = this.#sorted();
    return times[Math.max(0, Math.ceil(fraction * times.length) - 1)] ?? Number.NaN;
  }

  /** For JSON, with units in the names. */
  summary() {
    const [minMs, p50Ms, p90Ms, p99Ms, maxMs] = [0, 0.5, 0.9, 0.99, 1].map((at) =>
      rounded(this.quantile(at)),
    );
    const sum = this.#times.reduce((total, ms) => total + ms, 0);
    return { count: this.count, minMs, meanMs: rounded(sum / this.count), p50Ms, p90Ms, p99Ms, maxMs };
  }

  /** A plot of `width` characters: one line for each run of times, whose bounds double roughly every three lines. */
  lines(width: number): string[] {
    const buckets = new Map<number, number>();
    for (const ms of this.#times) {
      const bucket = bucketOf(ms);
      buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1);
    }
    const [first, last] = [Math.min(...buckets.keys()), Math.max(...buckets.keys())];
    const most = Math.max(...buckets.values());
    const lines: string[] = [];
    for (let bucket = first; bucket <= last; bucket++) {
      const count = buckets.get(bucket) ?? 0;
      const bar = "█".repeat(Math.ceil((count / most) * Math.max(10, width - 24)));
      lines.push(`${shownMs(boundOf(bucket)).padStart(10)} ${String(count).padStart(6)} ${bar}`.trimEnd());
    }
    return lines;
  }

  #sorted(): readonly number[] {
    if (!this.#isSorted) this.#times.sort((one, other) => one - other);
    this.#isSorted = true;
    return this.#times;
  }
}

const bounds = [1, 2, 5] as const;

/** The number of the first bound that is no shorter: 0 is 1 ms, 1 is 2 ms, 2 is 5 ms, 3 is 10 ms, -1 is 0.5 ms. */
function bucketOf(ms: number): number {
  let bucket = Math.floor(Math.log10(Math.max(ms, 0.000_001))) * bounds.length;
  while (boundOf(bucket) < ms) bucket += 1;
  return bucket;
}

function boundOf(bucket: number): number {
  const decade = Math.floor(bucket / bounds.length);
  return (bounds[bucket - decade * bounds.length] as number) * 10 ** decade;
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
