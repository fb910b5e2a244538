// npm run bench -- --help

import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { limit, loadsLibrary, ofPackage, type Row, rows } from "./catalogue.ts";
import { type Effort, measure, Pairs, type Result } from "./measure.ts";
import { libraryOf } from "./package.ts";
import { missing } from "./process/process.ts";
import { writeChart } from "./report/chart.ts";
import { describeMachine } from "./report/machine.ts";
import { tables, writeTables } from "./report/tables.ts";
import { type Work, works } from "./work.ts";

const help = `npm run bench -- [options]

  --quick          less work and fewer rounds: within two minutes; writes nothing into docs
  --peers <parts>  only rows whose id contains one of these, separated by commas
  --work <parts>   only work whose id contains one of these, separated by commas
  --beside <row>   the row beside which the others are measured, instead of raw net; writes nothing into docs
  --package <dir>  only rows of sealpipe in Node, each beside the same with the package in another directory, as npm
                   installs it or \`npm pack\` leaves it in dist; writes nothing into docs
  --rounds <n>     measurements of each row, each beside one of raw net
  --ms <n>         about how long one measurement takes
  --out <file>     where the figures go as JSON

rows: ${rows.map(({ id }) => id).join(" ")}
work: ${works.map(({ id }) => id).join(" ")}
`;

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    peers: { type: "string" },
    work: { type: "string" },
    beside: { type: "string", default: limit.id },
    package: { type: "string" },
    rounds: { type: "string" },
    ms: { type: "string" },
    out: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(help);
} else {
  await main();
}

async function main(): Promise<void> {
  const effort: Effort = {
    rounds: numberOf("rounds", values.rounds ?? (values.quick ? "2" : "5")),
    targetMs: numberOf("ms", values.ms ?? (values.quick ? "60" : "1000")),
  };
  const { package: directory } = values;
  const chosenRows = chosen(directory === undefined ? rows : rows.filter(loadsLibrary), values.peers);
  const chosenWork = chosen(works, values.work).filter(({ quick }) => quick || !values.quick);
  const beside = rows.find(({ id }) => id === values.beside);
  if (beside === undefined) throw new Error(`no row is called ${values.beside}\n\n${help}`);
  if (directory !== undefined) {
    if (beside !== limit) throw new Error("--package and --beside exclude each other");
    // If it has none, this says so once, and not for each row.
    await libraryOf(directory);
  }
  const { results, failures } = await measureAll(chosenRows, chosenWork, { effort, beside, directory });
  const run = { machine: describeMachine(), effort, results, failures };
  console.log(`\n${tables(run)}`);
  const isWhole =
    !values.quick &&
    values.peers === undefined &&
    values.work === undefined &&
    beside === limit &&
    directory === undefined;
  const out =
    values.out ?? (isWhole ? fileURLToPath(new URL("../docs/performance.json", import.meta.url)) : undefined);
  if (out !== undefined) writeFileSync(out, `${JSON.stringify(run, undefined, 2)}\n`);
  if (isWhole) {
    writeTables(run);
    await writeChart(run);
  }
  if (failures.length > 0) process.exitCode = 1;
}

async function measureAll(
  chosenRows: readonly Row[],
  chosenWork: readonly Work[],
  { effort, beside: other, directory }: { effort: Effort; beside: Row; directory: string | undefined },
) {
  const results: Result[] = [];
  const failures: string[] = [];
  await using shared = new Pairs(other);
  for (const row of chosenRows) {
    const absent = missing(row.server) ?? missing(row.client);
    if (absent !== undefined) {
      console.log(`${row.id}: left out, ${absent}`);
      continue;
    }
    await using pairs = new Pairs(row);
    await using own = directory === undefined ? undefined : new Pairs(ofPackage(row, directory));
    const beside = own ?? shared;
    for (const work of chosenWork) {
      if (!work.applies(row)) continue;
      try {
        const result = await measure(work, { row, pairs, beside, effort });
        results.push(result);
        console.log(line(result, directory ?? other.id));
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        if (row.optional && message.startsWith("ERR_INVALID_OPTION")) {
          console.log(`${row.id}: left out, this build does not have it`);
          break;
        }
        failures.push(`${row.id}, ${work.id}: ${message}`);
        console.error(`✖ ${row.id}, ${work.id}: ${message}`);
        await pairs[Symbol.asyncDispose]();
        // The other row may have been what failed.
        await beside[Symbol.asyncDispose]();
      }
    }
  }
  return { results, failures };
}

function line({ row, work, median, unit, ofLimit, processorOfLimit }: Result, other: string): string {
  const ratio = `${ofLimit.toPrecision(3)} x ${other}`;
  const processor =
    processorOfLimit === undefined ? "" : `, processor time ${processorOfLimit.toPrecision(3)} x`;
  return `${row.padEnd(24)} ${work.padEnd(28)} ${median.toPrecision(4).padStart(10)} ${unit.padEnd(4)} ${ratio}${processor}`;
}

function chosen<T extends { readonly id: string }>(all: readonly T[], parts: string | undefined): T[] {
  if (parts === undefined) return [...all];
  const wanted = parts.split(",");
  const found = all.filter(({ id }) => wanted.some((part) => id.includes(part)));
  if (found.length === 0) throw new Error(`nothing is called ${parts}\n\n${help}`);
  return found;
}

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${name} is a whole number from 1, not ${text}`);
  return value;
}
