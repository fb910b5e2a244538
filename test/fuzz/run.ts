import fc from "fast-check";
import type { Target } from "./target.ts";

export interface FuzzOptions {
  readonly targets: readonly Target[];
  /** The first turn's; each further turn has the next. */
  readonly seed: number;
  readonly minutes: number;
  /** The run ends before its time once so many were tried. */
  readonly inputs: number;
  readonly say: (line: string) => void;
}

export interface FuzzResult {
  readonly inputs: number;
  readonly failures: number;
}

const inputsInATurn = 2_000;
/** A target that fails is reduced each time, which takes long and seldom says more. */
const maxFailures = 3;
const tellEveryMs = 30_000;

interface Tally {
  readonly target: Target;
  inputs: number;
  ms: number;
  failures: number;
}

/** Tries the targets in turns, so that each gets the same number of inputs. */
export function fuzz({ targets, seed: firstSeed, minutes, inputs, say }: FuzzOptions): FuzzResult {
  const started = performance.now();
  const tallies = targets.map((target): Tally => ({ target, inputs: 0, ms: 0, failures: 0 }));
  const sum = (of: "inputs" | "failures"): number => tallies.reduce((total, tally) => total + tally[of], 0);
  const secondsSpent = (): number => (performance.now() - started) / 1_000;
  const isEnough = (): boolean => secondsSpent() >= minutes * 60 || sum("inputs") >= inputs;
  let seed = firstSeed;
  let told = started;
  for (; !isEnough(); seed++) {
    const going = tallies.filter(({ failures }) => failures < maxFailures);
    if (going.length === 0) break;
    for (const tally of going) {
      if (isEnough()) break;
      takeTurn(tally, seed, say);
      if (performance.now() - told < tellEveryMs) continue;
      told = performance.now();
      say(
        `${secondsSpent().toFixed(0).padStart(6)} s  ${sum("inputs")} inputs, seed ${seed}, ${sum("failures")} failures`,
      );
    }
  }
  for (const tally of tallies) say(tallyLine(tally));
  say(
    `${sum("inputs")} inputs for ${targets.length} targets in ${secondsSpent().toFixed(0)} seconds, ` +
      `seeds ${firstSeed} to ${Math.max(firstSeed, seed - 1)}, ${sum("failures")} failures`,
  );
  return { inputs: sum("inputs"), failures: sum("failures") };
}

function takeTurn(tally: Tally, seed: number, say: (line: string) => void): void {
  const { title, property } = tally.target;
  const started = performance.now();
  const result = fc.check(property, { numRuns: inputsInATurn, seed });
  tally.ms += performance.now() - started;
  tally.inputs += result.numRuns;
  if (!result.failed) return;
  tally.failures += 1;
  say(`\n✖ ${title}\n${reportOf(result)}`);
  say(
    `Again: npm run fuzz -- --only ${JSON.stringify(title)} --seed ${seed} --path "${result.counterexamplePath}"\n`,
  );
  if (tally.failures === maxFailures) say(`${title}: not tried any more`);
}

function reportOf(result: fc.RunDetails<unknown>): string {
  const error = result.errorInstance;
  return `${fc.defaultReportMessage(result)}\n${error instanceof Error ? error.stack : String(error)}`;
}

function tallyLine({ target, inputs, ms, failures }: Tally): string {
  const rate = ms === 0 ? 0 : (inputs / ms) * 1_000;
  const failed = failures === 0 ? "" : `  ✖ ${failures} failures`;
  return `${String(inputs).padStart(10)}  ${rate.toFixed(0).padStart(7)}/s  ${target.title}${failed}`;
}

/** One input again: the one that fast-check found at `path` of `seed`. */
export function replay(target: Target, seed: number, path: string): boolean {
  const result = fc.check(target.property, { seed, path, endOnFailure: true });
  console.log(result.failed ? reportOf(result) : `holds: ${target.title}`);
  return !result.failed;
}
