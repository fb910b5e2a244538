// Lets clients come to a server and go, in every way there is, for as long as it is given, and looks for what is left.
// Exits with 0 where nothing is, with 1 where something is or a client got what it should not, with 2 for bad arguments.

import { numberOf, orUsage, readOptions, UsageError } from "../support/command-line.ts";
import { bounds } from "./figures.ts";
import { type SoakOptions, soak } from "./soak.ts";

const usage = `Usage: npm run soak -- [--minutes N | --rounds N] [--at-a-time N] [--figures-every-seconds N]
  --minutes                how long clients come (default 1), a tenth of it, two minutes at most, to warm up
  --rounds                 instead: how often each kind of client comes to each server, once more to warm up
  --at-a-time              how many clients come at a time (default 6)
  --figures-every-seconds  default 10`;

/** Far above what is seen, and far below what a user of a GUI would notice as hanging. Judged in timed runs only. */
const maxDelayP99Ms = 500;

function readArguments(): Omit<SoakOptions, "say"> {
  const values = readOptions({ minutes: "", rounds: "", "at-a-time": "6", "figures-every-seconds": "10" });
  if (values.minutes !== "" && values.rounds !== "") throw new UsageError("--minutes or --rounds, not both");
  const atATime = numberOf("at-a-time", values["at-a-time"], { least: 1, integer: true });
  const every = numberOf("figures-every-seconds", values["figures-every-seconds"], { least: 0.1 });
  return { ...lengthsOf(values), atATime, figuresEveryMs: every * 1_000 };
}

function lengthsOf({
  minutes,
  rounds,
}: Record<"minutes" | "rounds", string>): Pick<SoakOptions, "warmUp" | "length" | "maxDelayP99Ms"> {
  if (rounds !== "") {
    return {
      warmUp: { rounds: 1 },
      length: { rounds: numberOf("rounds", rounds, { least: 1, integer: true }) },
    };
  }
  const ms = numberOf("minutes", minutes === "" ? "1" : minutes, { least: 0.01 }) * 60_000;
  const warmUpMs = Math.min(ms / 10, 120_000);
  return { warmUp: { ms: warmUpMs }, length: { ms: ms - warmUpMs }, maxDelayP99Ms };
}

const options = orUsage(usage, readArguments);
if (globalThis.gc === undefined) throw new Error("run it with node --expose-gc, as npm run soak does");

const { failures, visits, server } = await soak({ ...options, say: console.log });
const errors = Object.entries(server.errors).map(([code, count]) => `${count} ${code}`);
console.log(`The server's errors, each a peer's fault: ${errors.join(", ")}`);
for (const failure of failures) console.error(`✖ ${failure}`);
console.log(
  `${visits} visits, ${server.clients} clients, ${server.messages.all} messages in ` +
    `${(performance.now() / 60_000).toFixed(1)} minutes; memory bounds: rss ${bounds.rssMiB} MiB, in use ${bounds.usedMiB} MiB ` +
    `over what it was when warm; ${failures.length} failures`,
);
process.exitCode = failures.length === 0 ? 0 : 1;
