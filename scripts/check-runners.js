// Has the packed library used in what applications run their tests and programs in: Jest with its own module system, in a
// realm of Node's, of jsdom's and with modules, Vitest with false timers, tsx and ts-node.

import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const work = mkdtempSync(join(tmpdir(), "sealpipe-runners-"));
const modules = { NODE_OPTIONS: "--experimental-vm-modules" };

/** What is run, and what shows that it has run. */
const runs = [
  ["Jest, CommonJS", ["jest", "jest.test.js"], /1 passed/],
  [
    "Jest, CommonJS, jsdom",
    ["jest", "jest.test.js", "--env=jsdom"],
    /where there is a document[\s\S]*1 passed/,
  ],
  ["Jest, modules", ["jest", "jest-module", "--testMatch=**/*.mjs"], /1 passed/, modules],
  ["Vitest", ["vitest", "run", "vitest.test.ts"], /2 passed/],
  ["Vitest, in a realm of its own", ["vitest", "run", "vitest.test.ts", "--pool=vmThreads"], /2 passed/],
  ["tsx, CommonJS", ["tsx", "program.cts"], /talked/],
  ["tsx, modules", ["tsx", "program.mts"], /talked/],
  ["ts-node, CommonJS", ["ts-node", "program.cts"], /talked/],
];

try {
  cpSync(new URL("runners", import.meta.url), work, { recursive: true });
  const [{ filename }] = JSON.parse(npm(["pack", "--json", "--pack-destination", work], root));
  npm(["ci", "--no-audit", "--no-fund"], work);
  npm(["install", "--no-save", "--no-audit", "--no-fund", join(work, filename)], work);
  for (const [title, command, shows, environment] of runs) check(title, command, shows, environment);
} finally {
  rmSync(work, { recursive: true, force: true });
}

function check(title, command, shows, environment) {
  const begun = performance.now();
  const { status, stdout, stderr } = spawnSync("npx", command, {
    cwd: work,
    encoding: "utf8",
    env: { ...process.env, ...environment, CI: "1", NO_COLOR: "1" },
    timeout: 60_000,
  });
  const passed = status === 0 && shows.test(stdout + stderr);
  if (!passed) process.exitCode = 1;
  console.log(`${passed ? "ok" : "✖"}: ${title}, ${((performance.now() - begun) / 1_000).toFixed(1)} s`);
  if (!passed) console.log(`${stdout}${stderr}`);
}

function npm(given, cwd) {
  const { status, stdout, stderr } = spawnSync("npm", given, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`npm ${given.join(" ")} failed:\n${stdout}${stderr}`);
  return stdout;
}
