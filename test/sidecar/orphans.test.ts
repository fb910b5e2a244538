import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { startChild } from "../support/children.ts";
import { noProcfs } from "../support/platform.ts";
import {
  commandOf,
  fewRounds,
  freshPidFile,
  goRound,
  isThere,
  killsParent,
  killsParentWhileItStarts,
  rounds,
  startParent,
} from "../support/sidecars.ts";
import { until } from "../support/waiting.ts";

const byParent = '{"by":"parent","reason":""}';
const timeout = Math.max(300_000, rounds * 60_000);

describe("a sidecar whose parent is killed ends, and leaves no process, socket or directory", {
  timeout,
  skip: noProcfs,
}, () => {
  for (const [when, question, how] of [
    ["at any time", "pid", ""],
    ["during a request", "hang", ""],
    ["while its own event loop is blocked", "block", "blocks"],
    ["with a child of its own", "grandchild", ""],
    ["though it never finishes what it does at the end", "pid", "never-drains"],
    ["though that never ends, with a child of its own", "grandchild", "never-drains"],
  ] as const) {
    for (const launcher of [undefined, "shell"] as const) {
      test(`${when}${launcher === undefined ? "" : ", with a shell in between"}`, async (t) => {
        for (let round = 0; round < rounds; round++) {
          const pidFile = freshPidFile(t);
          await killsParent(commandOf(pidFile, how, launcher), { question });
          // It had its time to drain.
          if (how === "") assert.equal(readFileSync(`${pidFile}.end`, "utf8"), byParent);
        }
        t.diagnostic(`${rounds} rounds, nothing was left`);
      });
    }
  }

  test("while it starts", async (t) => {
    for (let round = 0; round < rounds; round++) {
      const pidFile = freshPidFile(t);
      await killsParentWhileItStarts(commandOf(pidFile), pidFile);
    }
    t.diagnostic(`${rounds} rounds, nothing was left`);
  });

  test("before it has handed anything over", async (t) => {
    await goRound(t, rounds, async (round) => {
      const child = startChild("sidecar-child", freshPidFile(round));
      child.child.stdin?.end();
      const [code] = await once(child.child, "close");
      assert.equal(code, 1);
      assert.match(child.stderr, /ERR_NO_PARENT/);
    });
  });

  test("and lives on while the parent is merely suspended", async (t) => {
    await goRound(t, fewRounds, async (round) => {
      const parent = startParent(commandOf(freshPidFile(round)));
      const { pids } = await parent.until(({ event }) => event === "ready");
      parent.child.kill("SIGSTOP");
      const probe = startChild("sidecar-child", freshPidFile(round), "exits");
      await once(probe.child, "close");
      for (const pid of pids as number[]) assert.ok(isThere(pid));
      parent.child.kill("SIGKILL");
      await until(() => !(pids as number[]).some(isThere));
    });
  });
});
