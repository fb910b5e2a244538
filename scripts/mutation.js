// Mutation testing: has Stryker change the sources in one small place at a time, and prints the changes that no
// test notices. Arguments are parts of the paths of source files, `--minutes N` is when no further file is
// begun.

import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { parseArgs } from "node:util";

// The newest that runs on the oldest Node we support. It is 150 packages that nothing else needs, so npx fetches it.
const version = "9.6.1";
const folders = ["protocol", "crypto", "transport"];
const directory = "build/mutation";

const { values, positionals: parts } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: "string", default: "10" } },
});
const endsAt = Date.now() + Number(values.minutes) * 60_000;

const ours = filesOf("src").filter((file) => folders.some((folder) => file.startsWith(`${folder}/`)));
// Some files take many minutes, so that without a choice the last ones would never have their turn.
const sources =
  parts.length === 0 ? shuffled(ours) : ours.filter((file) => parts.some((part) => file.includes(part)));
const tests = filesOf("test").filter((file) => file.endsWith(".test.ts"));

rmSync(directory, { recursive: true, force: true });
mkdirSync(directory, { recursive: true });
const scores = new Map();
for (const [index, source] of sources.entries()) {
  if (Date.now() > endsAt) {
    console.log(`the time is over: ${sources.length - index} files were not tried, from ${source} on`);
    break;
  }
  tell(source, mutate(source));
}
for (const [folder, { noticed, all }] of scores) {
  console.log(`${folder}: ${noticed} of ${all} noticed, ${percent(noticed, all)}`);
}

function shuffled(files) {
  return files
    .map((file) => ({ file, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ file }) => file);
}

function filesOf(root) {
  return readdirSync(root, { recursive: true })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => file.endsWith(".ts"))
    .sort();
}

/** Every mutant of a source file, each tried with the tests of its folder until one fails: the nearest first. */
function mutate(source) {
  const [folder] = source.split("/");
  const report = `${directory}/report.json`;
  rmSync(report, { force: true });
  const testFiles = tests
    .filter((file) => file.startsWith(`${folder}/`))
    .sort((a, b) => distance(a, source) - distance(b, source))
    .map((file) => `build/test/${file.replace(/ts$/, "js")}`);
  const options = {
    testRunner: "tap",
    plugins: ["@stryker-mutator/tap-runner"],
    tap: {
      testFiles,
      nodeArgs: ["--test-reporter=tap", "-r", "{{hookFile}}", "{{testFile}}"],
    },
    coverageAnalysis: "perTest",
    buildCommand: "npm run build:test",
    // Stryker would read it with TypeScript's own API, which version 7 does not have.
    tsconfigFile: "none",
    mutate: [`src/${source}`],
    // Error messages are not part of the API.
    mutator: { excludedMutations: ["StringLiteral"] },
    ignorePatterns: ["build", "dist", "coverage", "bench", "docs", "python"],
    // Short, because a test derives a socket's path from this directory.
    tempDirName: `${directory}/s`,
    concurrency: 1,
    reporters: ["json"],
    jsonReporter: { fileName: report },
    logLevel: "error",
  };
  writeFileSync(`${directory}/options.json`, JSON.stringify(options));
  const packages = ["core", "tap-runner"].flatMap((name) => ["-p", `@stryker-mutator/${name}@${version}`]);
  const run = spawnSync("npx", ["--yes", ...packages, "stryker", "run", `${directory}/options.json`], {
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
  if (run.status !== 0) throw new Error(`Stryker ended with ${run.status ?? run.signal}`);
  const [{ source: text, mutants }] = Object.values(JSON.parse(readFileSync(report, "utf8")).files);
  return mutants.filter(({ status }) => status !== "Ignored").map((mutant) => ({ ...mutant, text }));
}

function distance(test, source) {
  const module = source.replace(/\.ts$/, "");
  if (basename(test).startsWith(basename(module))) return 0;
  return readFileSync(`test/${test}`, "utf8").includes(`#dist/${module}.js`) ? 1 : 2;
}

function tell(source, mutants) {
  const left = mutants.filter(({ status }) => status !== "Killed" && status !== "Timeout");
  const noticed = mutants.length - left.length;
  console.log(`${source}: ${noticed} of ${mutants.length} noticed, ${percent(noticed, mutants.length)}`);
  for (const { location, text, replacement, mutatorName } of left) {
    const line = text.split("\n")[location.start.line - 1].trim();
    const change = replacement.replaceAll(/\s+/g, " ");
    console.log(`  ${location.start.line}:${location.start.column} ${mutatorName}: ${line} => ${change}`);
  }
  const [folder] = source.split("/");
  const score = scores.get(folder) ?? { noticed: 0, all: 0 };
  scores.set(folder, { noticed: score.noticed + noticed, all: score.all + mutants.length });
}

function percent(some, all) {
  return all === 0 ? "nothing to change" : `${((100 * some) / all).toFixed(1)} %`;
}
