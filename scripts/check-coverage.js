// Prints the coverage of the last test run and fails if it is below the required one.

import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";

const promises = [
  { title: "src/protocol: every line and branch", include: "src/protocol/**", exclude: [], least: 100 },
  { title: "the rest of src: 95 %", include: "src/**", exclude: ["src/protocol/**"], least: 95 },
];

for (const { title, include, exclude, least } of promises) {
  console.log(`\nCoverage of ${title}`);
  const { status } = spawnSync(
    "npx",
    [
      "c8",
      "report",
      "--check-coverage",
      `--lines=${least}`,
      `--branches=${least}`,
      `--functions=${least}`,
      `--statements=${least}`,
      `--include=${include}`,
      ...exclude.map((pattern) => `--exclude=${pattern}`),
    ],
    { stdio: "inherit", shell: process.platform === "win32" },
  );
  if (status !== 0) process.exitCode = 1;
}

// The raw data is large, and of no use once the table is printed.
rmSync("coverage", { recursive: true, force: true });
