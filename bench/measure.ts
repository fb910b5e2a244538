import type { Row } from "./catalogue.ts";
import { AwakeCores } from "./process/awake-cores.ts";
import type { Answer } from "./process/commands.ts";
import { Pair } from "./process/pair.ts";
import type { Work } from "./work.ts";

export interface Effort {
  /** Measurements of each row, each after one of raw `net`. */
  readonly rounds: number;
  /** About how long one measurement takes. */
  readonly targetMs: number;
}

export interface Result {
  readonly work: string;
  readonly row: string;
  readonly unit: Work["unit"];
  readonly median: number;
  /** The median of the ratios of each round's figure to raw `net`'s, or another row's, just before it. */
  readonly ofLimit: number;
  readonly limitMedian: number;
  /** The same for the processor time of both ends for each message; on Linux, and not of what runs but once. */
  readonly processorOfLimit?: number;
  readonly samples: readonly number[];
  readonly messages: number;
  /** Of round trips, in microseconds. */
  readonly p99?: number;
}

const minCount = 8;
const checkedCount = 62;
const maxCount = 4_000_000;
/** Warming up ends when a run is faster than the best before it by less than this. */
const stillFaster = 1.1;
/** Warming up ends at the latest after this many times the time of a measurement. */
const settlingTargets = 4;

/** Pairs that stay, one for each number of clients: a new one would first have to start and warm up. */
export class Pairs implements AsyncDisposable {
  readonly row: Row;
  readonly #pairs = new Map<number, Pair>();
  readonly #counts = new Map<string, number>();

  constructor(row: Row) {
    this.row = row;
  }

  async get(clients: number): Promise<Pair> {
    const pair = this.#pairs.get(clients) ?? (await Pair.start(this.row, clients));
    this.#pairs.set(clients, pair);
    return pair;
  }

  /** How many messages to measure with: found once. */
  async count(work: Work, targetMs: number): Promise<number> {
    const count = this.#counts.get(work.id) ?? (await settle(await this.get(work.clients), work, targetMs));
    this.#counts.set(work.id, count);
    return count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pair of this.#pairs.values()) await pair[Symbol.asyncDispose]();
    this.#pairs.clear();
    this.#counts.clear();
  }
}

export interface Sitting {
  readonly row: Row;
  readonly pairs: Pairs;
  /** Raw `net`, unless another row was asked for. */
  readonly beside: Pairs;
  readonly effort: Effort;
}

/** Measures one row at one work, each round after raw `net`. @throws Error if contents were wrong, or it failed. */
export async function measure(work: Work, { row, pairs, beside, effort }: Sitting): Promise<Result> {
  if (work.once) return measureOnce(row, work, beside.row);
  using _awake = work.awake === true ? new AwakeCores() : undefined;
  const measured = await pairs.get(work.clients);
  const limit = await beside.get(work.clients);
  const count = await pairs.count(work, effort.targetMs);
  const limitCount = await beside.count(work, effort.targetMs);
  const limits: number[] = [];
  const figures: number[] = [];
  const answers: Answer[] = [];
  const processor: number[] = [];
  for (let round = 0; round < effort.rounds; round++) {
    const one = await timed(limit, () => work.run(limit, limitCount, "ends"));
    limits.push(work.figure(one.answer, limitCount));
    const { answer, processorMs } = await timed(measured, () => work.run(measured, count, "ends"));
    answers.push(answer);
    figures.push(work.figure(answer, count));
    processor.push(processorMs / count / (one.processorMs / limitCount));
  }
  return summary(row, work, { figures, limits, answers, processor, count });
}

/** Runs it, and measures what processor time both ends use for it: `NaN` where that cannot be known. */
async function timed(
  pair: Pair,
  run: () => Promise<Answer>,
): Promise<{ answer: Answer; processorMs: number }> {
  const before = pair.processorMs ?? Number.NaN;
  const answer = await run();
  return { answer, processorMs: (pair.processorMs ?? Number.NaN) - before };
}

/** Memory cannot be measured twice in a process: what was freed stays resident. */
async function measureOnce(row: Row, work: Work, other: Row): Promise<Result> {
  const figures: number[][] = [];
  const count = work.count as number;
  for (const each of [other, row]) {
    await using pair = await Pair.start(each, 0);
    figures.push([work.figure(await work.run(pair, count, "all"), count)]);
  }
  const [limits, own] = figures as [number[], number[]];
  return summary(row, work, { figures: own, limits, answers: [], processor: [], count });
}

/**
 * How many messages take about `targetMs`. The first are compared byte by byte; then more and more go by until the
 * engine has compiled what it will, which shows in that more time brings no more speed.
 */
async function settle(pair: Pair, work: Work, targetMs: number): Promise<number> {
  await work.run(pair, checkedCount, "all");
  let count = minCount;
  let best = 0;
  for (let spentMs = 0; ; ) {
    const started = performance.now();
    await work.run(pair, count, "ends");
    const elapsedMs = performance.now() - started;
    spentMs += elapsedMs;
    const speed = count / elapsedMs;
    const settled = elapsedMs > targetMs / 4 && speed < best * stillFaster;
    best = Math.max(best, speed);
    if (settled || spentMs > targetMs * settlingTargets) return clamp(best * targetMs);
    count = clamp(Math.min(count * 8, (best * targetMs) / 2));
  }
}

function clamp(count: number): number {
  return Math.round(Math.min(maxCount, Math.max(minCount, count)));
}

interface Measured {
  readonly figures: readonly number[];
  readonly limits: readonly number[];
  readonly answers: readonly Answer[];
  readonly processor: readonly number[];
  readonly count: number;
}

function summary(row: Row, work: Work, { figures, limits, answers, processor, count }: Measured): Result {
  const p99 = answers.flatMap((answer) => answer.p99 ?? []);
  const processorOfLimit = median(processor.filter(Number.isFinite));
  return {
    work: work.id,
    row: row.id,
    unit: work.unit,
    median: median(figures),
    ofLimit: median(figures.map((figure, round) => figure / (limits[round] as number))),
    limitMedian: median(limits),
    ...(Number.isFinite(processorOfLimit) ? { processorOfLimit } : {}),
    samples: figures,
    messages: count,
    ...(p99.length > 0 ? { p99: median(p99) } : {}),
  };
}

export function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length % 2 === 1) return sorted[middle] as number;
  return ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
