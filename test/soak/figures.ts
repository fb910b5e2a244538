import { readdirSync, readlinkSync } from "node:fs";
import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";

/** What a process holds, and how long its event loop was kept busy at a time. */
export interface Figures {
  readonly rssMiB: number;
  /** What is in use of the heap, and of memory outside it that belongs to objects. */
  readonly usedMiB: number;
  /** Platform: Linux. Elsewhere `null`. */
  readonly descriptors: number | null;
  /** Handles, requests and timers that keep the process awake, counted by their type. */
  readonly resources: Readonly<Record<string, number>>;
  /** Of the event loop since the last figures. */
  readonly delay: Delay;
  /** The highest of each so far. */
  readonly worstDelay: Delay;
}

export interface Delay {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const resolutionMs = 10;
const mebibyte = 1_048_576;

/** Takes the figures of this process. */
export class Gauge {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: resolutionMs });
  #worst: Delay = { p50Ms: 0, p99Ms: 0, maxMs: 0 };

  constructor() {
    this.#histogram.enable();
  }

  take(): Figures {
    const { rss, heapUsed, external } = process.memoryUsage();
    const delay = this.#takeDelay();
    this.#worst = {
      p50Ms: Math.max(this.#worst.p50Ms, delay.p50Ms),
      p99Ms: Math.max(this.#worst.p99Ms, delay.p99Ms),
      maxMs: Math.max(this.#worst.maxMs, delay.maxMs),
    };
    return {
      rssMiB: rss / mebibyte,
      usedMiB: (heapUsed + external) / mebibyte,
      descriptors: countDescriptors(),
      resources: countResources(),
      delay,
      worstDelay: this.#worst,
    };
  }

  /** The same once the garbage is gone. The process runs with `--expose-gc`. */
  async takeClean(): Promise<Figures> {
    // What a finalizer frees, and memory outside the heap, is gone a turn of the event loop after its object.
    for (let round = 0; round < 3; round++) {
      globalThis.gc?.();
      await turn();
    }
    return this.take();
  }

  #takeDelay(): Delay {
    const histogram = this.#histogram;
    // What it records is the time between two ticks of its own, and so `resolution` where nothing is late.
    const late = (nanoseconds: number): number =>
      histogram.count === 0 ? 0 : Math.max(0, nanoseconds / 1e6 - resolutionMs);
    const delay = {
      p50Ms: late(histogram.percentile(50)),
      p99Ms: late(histogram.percentile(99)),
      maxMs: late(histogram.max),
    };
    histogram.reset();
    return delay;
  }
}

function countDescriptors(): number | null {
  if (process.platform !== "linux") return null;
  return readdirSync("/proc/self/fd").filter(isOurs).length;
}

/** Not the event loop's own, such as the one inotify that it keeps once it has watched a directory. */
function isOurs(descriptor: string): boolean {
  try {
    return !readlinkSync(`/proc/self/fd/${descriptor}`).startsWith("anon_inode:");
  } catch {
    // The one by which the list was read.
    return false;
  }
}

function countResources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const resource of process.getActiveResourcesInfo()) counts[resource] = (counts[resource] ?? 0) + 1;
  return counts;
}

export function delayText({ p50Ms, p99Ms, maxMs }: Delay): string {
  return [p50Ms, p99Ms, maxMs].map((ms) => ms.toFixed(1)).join("/");
}

export function figuresText({ rssMiB, usedMiB, descriptors, resources, delay }: Figures): string {
  const held = Object.entries(resources).map(([type, count]) => `${count} ${type}`);
  return (
    `rss ${rssMiB.toFixed(0)} MiB (used ${usedMiB.toFixed(0)}), ${descriptors ?? "?"} descriptors, ` +
    `${held.join(" ") || "no handles"}, loop delay ${delayText(delay)} ms`
  );
}

/** How much more a process may hold at the end than at the beginning, once its garbage is collected. */
export const bounds = { rssMiB: 64, usedMiB: 8 } as const;

export interface Span {
  /** Before anyone came. */
  readonly start: Figures;
  /** When all have been there a few times, and none is there. */
  readonly warm: Figures;
  /** When all have gone. */
  readonly end: Figures;
}

/** What is left of those who have gone. */
export function leaks({ start, warm, end }: Span): string[] {
  const found: string[] = [];
  const { descriptors } = start;
  if (descriptors !== null && end.descriptors !== descriptors) {
    found.push(`${end.descriptors} descriptors are open, and ${descriptors} were at the start`);
  }
  for (const type of new Set([...Object.keys(start.resources), ...Object.keys(end.resources)])) {
    const [before, after] = [start.resources[type] ?? 0, end.resources[type] ?? 0];
    if (before !== after) found.push(`${after} ${type} are active, and ${before} were at the start`);
  }
  for (const size of ["rssMiB", "usedMiB"] as const) {
    const grown = end[size] - warm[size];
    if (grown <= bounds[size]) continue;
    found.push(`${size} grew by ${grown.toFixed(1)} from ${warm[size].toFixed(1)}, over ${bounds[size]}`);
  }
  return found;
}
