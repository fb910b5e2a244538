// Runs the suite on every runtime and prints what passes: `npm run platforms -- --help`.

import { parseArgs } from "node:util";
import { linuxRuntimes } from "./runtimes.ts";
import { runSuite, suiteFiles } from "./suite.ts";
import { failures, type RuntimeResult, surprises, table, writeTable } from "./table.ts";

const usage = `usage: npm run platforms -- [--only TEXT] [--smoke] [--write] [PART …]

Runs the tests on Node, Bun and Deno, each downloaded through npm, and prints a table of what passes. With PARTs, only
files whose path has one of them.

  --only TEXT   only runtimes whose title has it, such as "Node 2"
  --smoke       a part of the suite that takes some seconds
  --write       put the table into docs/platforms.md
`;

/** A part of each layer, with real sockets, processes and both wires. */
const smokeFiles = [
  "protocol/vectors",
  "crypto/",
  "conformance/",
  "endpoint/other-process",
  "endpoint/close.",
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    smoke: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(usage);
  process.exit();
}

const files = suiteFiles(values.smoke ? smokeFiles : positionals);
const all: RuntimeResult[] = [];
for (const runtime of linuxRuntimes.filter(({ title }) => title.includes(values.only))) {
  const result = { title: runtime.title, results: await runSuite(runtime, files) };
  all.push(result);
  console.error(`${runtime.title}: ${files.length} files, ${failures(result).length} tests failed`);
  for (const surprise of surprises(result)) {
    console.error(`✖ ${surprise}`);
    process.exitCode = 1;
  }
}
const text = table(all);
console.log(text);
if (values.write) writeTable(text);
