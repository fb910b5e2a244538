// Builds the documentation as a site, in site/build/dist, and looks at it in Chromium. It has packages of its own, so that
// installing the project stays small. `--serve` shows it to you instead.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const site = `${root}site/`;

installPackages();
const { pages, staged } = await import("../site/.vitepress/pages.js");
rmSync(`${site}build`, { recursive: true, force: true });
step("the reference", "typedoc", ["--logLevel", "Warn"]);
for (const [file, place] of pages) {
  mkdirSync(dirname(staged + place), { recursive: true });
  cpSync(root + file, staged + place);
}
for (const image of readdirSync(`${root}docs`).filter((file) => /\.(svg|png)$/.test(file)))
  cpSync(`${root}docs/${image}`, staged + image);
step("the pages", "vitepress", ["build", "."]);
if (process.argv.includes("--serve")) step("the server", "vitepress", ["preview", "."]);
else
  run("the site in Chromium", process.execPath, [`${root}build/test/site/main.js`, ...process.argv.slice(2)]);

function installPackages() {
  const installed = `${site}node_modules/.package-lock.json`;
  const isCurrent =
    existsSync(installed) && statSync(installed).mtimeMs >= statSync(`${site}package-lock.json`).mtimeMs;
  if (!isCurrent) run("the packages", "npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
}

function step(title, program, programArguments) {
  run(title, `${site}node_modules/.bin/${program}`, programArguments);
}

function run(title, program, programArguments) {
  const begun = performance.now();
  execFileSync(program, programArguments, { cwd: site, stdio: "inherit" });
  console.log(`${title}: ${((performance.now() - begun) / 1_000).toFixed(1)} s`);
}
