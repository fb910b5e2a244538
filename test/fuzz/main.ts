// Tries what must always hold with inputs of every kind. Exits with 0 where it held, with 1 where it did not, with 2 for
// bad arguments. What fails is reduced by fast-check and printed with the command that shows it again.

import { numberOf, orUsage, readOptions, UsageError } from "../support/command-line.ts";
import { fuzz, replay } from "./run.ts";
import type { Target } from "./target.ts";
import { targets } from "./targets.ts";

const usage = `Usage: npm run fuzz -- [--minutes N] [--inputs N] [--only TEXT] [--seed N [--path PATH]]
  --minutes  for how long at most (default 1)
  --inputs   how many inputs at most (default: as many as the time allows)
  --only     the targets whose title has the text in it
  --seed     of the first turn (default: the time)
  --path     one input again, as a failure printed it; needs --only with the whole title, and --seed

Targets:
${targets.map(({ title }) => `  ${title}`).join("\n")}`;

function readArguments() {
  const values = readOptions({ minutes: "1", inputs: "", only: "", seed: "", path: "" });
  const now = String(Date.now() & 0x7fff_ffff);
  const chosen = targets.filter(({ title }) => title.includes(values.only));
  if (chosen.length === 0) throw new UsageError(`no target has ${JSON.stringify(values.only)} in its title`);
  if (values.path !== "" && (chosen.length !== 1 || values.seed === "")) {
    throw new UsageError("--path needs --seed, and --only with the title of one target");
  }
  return {
    targets: chosen,
    path: values.path,
    minutes: numberOf("minutes", values.minutes, { least: 0 }),
    inputs:
      values.inputs === ""
        ? Number.POSITIVE_INFINITY
        : numberOf("inputs", values.inputs, { least: 1, integer: true }),
    seed: numberOf("seed", values.seed === "" ? now : values.seed, { least: 0, integer: true }),
  };
}

const { path, ...options } = orUsage(usage, readArguments);
const held =
  path === ""
    ? fuzz({ ...options, say: console.log }).failures === 0
    : replay(options.targets[0] as Target, options.seed, path);
process.exitCode = held ? 0 : 1;
