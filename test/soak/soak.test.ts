import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Figures, Gauge, leaks } from "./figures.ts";
import { visits } from "./visits.ts";

const program = fileURLToPath(new URL("./main.js", import.meta.url));

function run(...args: string[]) {
  return spawnSync(process.execPath, ["--expose-gc", program, ...args], { encoding: "utf8" });
}

const quiet: Figures = {
  rssMiB: 80,
  usedMiB: 10,
  descriptors: 20,
  resources: { PipeWrap: 2 },
  delay: { p50Ms: 0, p99Ms: 0, maxMs: 0 },
  worstDelay: { p50Ms: 0, p99Ms: 0, maxMs: 0 },
};

describe("the soak", { timeout: 200_000 }, () => {
  test("lets every kind of client come and go, and finds nothing left of them", () => {
    const { status, stdout, stderr } = run("--rounds", "1");
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, new RegExp(`^${visits.length * 2 * 2} visits, .* 0 failures$`, "m"));
    for (const { title } of visits) assert.match(stdout, new RegExp(`^ +4  ${title}$`, "m"));
  });

  for (const [args, complaint] of [
    [["--rounds", "0"], /--rounds takes an integer of 1 or more, not "0"/],
    [["--minutes", "long"], /--minutes takes a number of 0\.01 or more, not "long"/],
    [["--minutes", "1", "--rounds", "1"], /--minutes or --rounds, not both/],
    [["--hours", "1"], /Unknown option '--hours'/],
  ] as const) {
    test(`says how it is used when it is asked for ${args.join(" ")}`, () => {
      const { status, stderr } = run(...args);
      assert.equal(status, 2);
      assert.match(stderr, complaint);
      assert.match(stderr, /^Usage: npm run soak/m);
    });
  }
});

describe("the soak's figures", () => {
  test("find nothing if all is as it was", () => {
    assert.deepEqual(leaks({ start: quiet, warm: quiet, end: quiet }), []);
  });

  for (const [what, end, complaint] of [
    ["a descriptor", { descriptors: 21 }, "21 descriptors are open, and 20 were at the start"],
    ["a handle", { resources: { PipeWrap: 3 } }, "3 PipeWrap are active, and 2 were at the start"],
    ["a timer", { resources: { PipeWrap: 2, Timeout: 1 } }, "1 Timeout are active, and 0 were at the start"],
    ["memory in use", { usedMiB: 19 }, "usedMiB grew by 9.0 from 10.0, over 8"],
    ["memory of the process", { rssMiB: 150 }, "rssMiB grew by 70.0 from 80.0, over 64"],
  ] as const) {
    test(`find ${what} that is left`, () => {
      assert.deepEqual(leaks({ start: quiet, warm: quiet, end: { ...quiet, ...end } }), [complaint]);
    });
  }

  test("count what this process holds", () => {
    const gauge = new Gauge();
    const before = gauge.take();
    const descriptor = openSync(program, "r");
    const timer = setTimeout(() => {}, 60_000);
    const after = gauge.take();
    closeSync(descriptor);
    clearTimeout(timer);
    if (before.descriptors !== null) assert.equal(after.descriptors, before.descriptors + 1);
    assert.equal(after.resources["Timeout"], (before.resources["Timeout"] ?? 0) + 1);
  });
});
