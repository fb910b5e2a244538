import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { describe, test } from "node:test";
import { exitOf, isEvent } from "../support/children.ts";
import { leaveDeadSocket } from "../support/dead-socket.ts";
import { freshDirectory } from "../support/names.ts";
import { onWindows, sharesPipeNames } from "../support/platform.ts";
import { addressOf } from "../support/raw-peer.ts";
import { isOutcome, starterName, startStarter, tellToStart, whoAnswers } from "../support/starters.ts";

const timeout = 220_000;

describe("two servers that start at the same instant", { timeout, skip: sharesPipeNames }, () => {
  const rounds = 200;
  /** Enough for both to have got the command. */
  const aheadMs = 5;

  test(`have exactly one winner each time, which is reachable, ${rounds} times`, async (t) => {
    const directory = freshDirectory();
    const path = addressOf(starterName, directory);
    const starters = [await startStarter(), await startStarter()];
    const wins = [0, 0];
    for (let round = 0; round < rounds; round++) {
      // Every second time where a killed server has left its socket.
      if (round % 2 === 1 && !onWindows) await leaveDeadSocket(path);
      for (const starter of starters) tellToStart(starter, directory, Date.now() + aheadMs);
      const outcomes = await Promise.all(starters.map((starter) => starter.until(isOutcome)));
      const winners = outcomes.flatMap(({ event }, index) => (event === "listening" ? [index] : []));
      assert.equal(winners.length, 1, JSON.stringify(outcomes));
      const [winner = 0] = winners;
      assert.equal(outcomes[1 - winner]?.["code"], "ERR_ADDRESS_IN_USE");
      assert.equal(await whoAnswers(t, directory), starters[winner]?.child.pid);
      wins[winner] = (wins[winner] ?? 0) + 1;
      for (const starter of starters) starter.command({ do: "close" });
      for (const starter of starters) await starter.until(isEvent("closed"));
      assert.deepEqual(readdirSync(directory), []);
    }
    t.diagnostic(`${rounds} rounds, one winner in each: ${wins.join(" and ")} wins`);
    assert.ok(
      wins.every((count) => count > 0),
      "it was a race",
    );
    for (const starter of starters) {
      starter.child.stdin?.end();
      assert.equal(await exitOf(starter), 0, starter.stderr);
    }
  });
});
