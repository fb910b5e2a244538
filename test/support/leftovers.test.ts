import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("./children/leaves.js", import.meta.url));
const lookout = new URL("./leftovers.js", import.meta.url).href;

/** Runs a test file that leaves that behind: its exit code, and what was said of it. */
function leave(what: string): { status: number | null; stderr: string } {
  // As a test of this one's own, it would tell its results in a form for the runner.
  const { NODE_TEST_CONTEXT, ...env } = process.env;
  return spawnSync(process.execPath, ["--import", lookout, program, what], { encoding: "utf8", env });
}

describe("what the tests of a file leave behind", { timeout: 120_000 }, () => {
  test("is no failure if it is nothing", () => {
    const { status, stderr } = leave("nothing");
    assert.equal(stderr, "");
    assert.equal(status, 0);
  });

  const descriptorSaid = process.platform === "linux" ? /a test left a descriptor behind: \d+ / : /^$/;
  for (const [what, said] of [
    ["timer", /✖ a test left a timer behind, made .*leaves\.js/],
    ["server", /✖ a test left a handle behind: unreferenced tcp/],
    ["descriptor", descriptorSaid],
    ["awake", /✖ 10 s after the last test the process is kept awake by .*TCPServerWrap/],
  ] as const) {
    test(`fails the file and is reported: ${what}`, {
      skip: String(said) === "/^$/" && "only Linux lists them",
    }, () => {
      const { status, stderr } = leave(what);
      assert.match(stderr, said);
      assert.equal(status, 1);
    });
  }
});
