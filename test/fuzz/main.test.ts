import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { fuzz } from "./run.ts";
import { target } from "./target.ts";
import { targets } from "./targets.ts";

const program = fileURLToPath(new URL("./main.js", import.meta.url));

function run(...args: string[]) {
  return spawnSync(process.execPath, [program, ...args], { encoding: "utf8" });
}

const seedAndPath = /--seed (\d+) --path "([\d:]+)"/;

describe("npm run fuzz", { timeout: 200_000 }, () => {
  test("tries what it is asked for, and ends with a line that counts", () => {
    const { status, stdout } = run("--only", "names:", "--inputs", "1500", "--seed", "5");
    assert.equal(status, 0, stdout);
    assert.match(stdout, /^2000 inputs for 1 targets in \d+ seconds, seeds 5 to 5, 0 failures$/m);
  });

  test("tries one input again", () => {
    const title = targets.find(({ title }) => title.startsWith("names:"))?.title as string;
    const { status, stdout } = run("--only", title, "--seed", "5", "--path", "12:0");
    assert.equal(status, 0, stdout);
    assert.equal(stdout, `holds: ${title}\n`);
  });

  for (const [args, complaint] of [
    [["--minutes=-1"], /--minutes takes a number of 0 or more, not "-1"/],
    [["--minutes="], /--minutes takes a number of 0 or more, not ""/],
    [["--seed", "1.5"], /--seed takes an integer of 0 or more, not "1\.5"/],
    [["--only", "nothing has this"], /no target has "nothing has this" in its title/],
    [["--path", "1:2"], /--path needs --seed, and --only/],
    [["5"], /Unexpected argument '5'/],
  ] as const) {
    test(`says how it is used when it is asked for ${args.join(" ")}`, () => {
      const { status, stderr } = run(...args);
      assert.equal(status, 2);
      assert.match(stderr, complaint);
      assert.match(stderr, /^Usage: npm run fuzz/m);
    });
  }

  test("reduces what fails, says how to reproduce it, and gives the target up", () => {
    const said: string[] = [];
    const wrong = target("below 1000", 1, fc.nat(), (number) => assert.ok(number < 1_000));
    const right = target("a number", 1, fc.nat(), (number) => assert.ok(number >= 0));
    const options = { seed: 1, minutes: 1, inputs: 12_000, say: (line: string) => said.push(line) };
    const { inputs, failures } = fuzz({ ...options, targets: [wrong, right] });
    assert.ok(inputs >= 12_000);
    assert.equal(failures, 3);
    const text = said.join("\n");
    assert.match(text, /Counterexample: \[1000\]/);
    assert.match(text, /^below 1000: not tried any more$/m);
    assert.match(text, /^\d+ inputs for 2 targets in \d+ seconds, seeds 1 to \d+, 3 failures$/m);
    const [, seed, path] = seedAndPath.exec(text) as RegExpExecArray;
    const again = fc.check(wrong.property, { seed: Number(seed), path: String(path), endOnFailure: true });
    assert.deepEqual(again.counterexample, [1_000]);
  });
});
