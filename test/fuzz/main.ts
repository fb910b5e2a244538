// Tries the properties for as long as it is given, in turns, each turn with a seed of its own.
// Usage: npm run fuzz -- --minutes N [--only TEXT] [--seed N]
// A failure is reduced by fast-check and printed with its seed and path; the run goes on and exits with 1 at its end.

import { parseArgs } from "node:util";
import fc from "fast-check";
import { type Fuzzed, properties } from "./properties.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    only: { type: "string", default: "" },
    seed: { type: "string", default: String(Date.now() >>> 0) },
  },
});
const minutes = Number(values.minutes);
const firstSeed = Number(values.seed);
if (!(minutes > 0) || !Number.isInteger(firstSeed)) throw new Error("--minutes and --seed take numbers");

const runsInATurn = 2_000;
const chosen = properties.filter(({ title }) => title.includes(values.only));
if (chosen.length === 0) throw new Error(`no property's title has "${values.only}" in it`);

const started = performance.now();
const counts = new Map<Fuzzed, number>(chosen.map((fuzzed) => [fuzzed, 0]));
let failures = 0;
let seed = firstSeed;

function minutesSpent(): number {
  return (performance.now() - started) / 60_000;
}

function tryOnce(fuzzed: Fuzzed): void {
  // The properties are synchronous, which the type of their list no longer says.
  const result = fc.check(fuzzed.property, { numRuns: runsInATurn, seed }) as fc.RunDetails<unknown>;
  counts.set(fuzzed, (counts.get(fuzzed) ?? 0) + result.numRuns);
  if (!result.failed) return;
  failures += 1;
  console.log(`\n✖ ${fuzzed.title}\n${fc.defaultReportMessage(result)}`);
}

while (minutesSpent() < minutes) {
  for (const fuzzed of chosen) {
    if (minutesSpent() >= minutes) break;
    tryOnce(fuzzed);
  }
  seed += 1;
}

for (const [{ title }, count] of counts) console.log(`${String(count).padStart(10)}  ${title}`);
const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
console.log(
  `${total} inputs in ${minutesSpent().toFixed(1)} minutes, seeds ${firstSeed} to ${seed}, ${failures} failures`,
);
process.exitCode = failures === 0 ? 0 : 1;
