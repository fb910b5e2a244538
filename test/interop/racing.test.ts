import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, describe, test } from "node:test";
import { exitOf, isEvent } from "../support/children.ts";
import { leaveDeadSocket } from "../support/dead-socket.ts";
import { startGoStarter } from "../support/go-end.ts";
import { lacksGo } from "../support/go-peer.ts";
import { freshDirectory } from "../support/names.ts";
import { onWindows } from "../support/platform.ts";
import { lacksPython, startPythonStarter } from "../support/python-starter.ts";
import { addressOf } from "../support/raw-peer.ts";
import { isOutcome, starterName, startStarter, tellToStart, whoAnswers } from "../support/starters.ts";
import { times } from "../support/thorough.ts";

const rounds = times(100);
/** Enough for all to have got the command. */
const aheadMs = 10;
const skip = lacksGo() || lacksPython() || (onWindows && "a pipe's name is the system's affair");

describe("servers in TypeScript, Go and Python that start at the same instant", {
  timeout: 220_000,
  skip,
}, () => {
  test(`have exactly one winner each time, which is reachable, ${rounds} times`, async (t) => {
    const directory = freshDirectory();
    const path = addressOf(starterName, directory);
    const go = startGoStarter();
    after(() => go.kill());
    await go.until(isEvent("ready"));
    const starters = { TypeScript: await startStarter(), Go: go, Python: await startPythonStarter() };
    const all = Object.values(starters);
    const wins = new Map<number, number>(all.map(({ child }) => [child.pid ?? 0, 0]));
    for (let round = 0; round < rounds; round++) {
      // Every second time where a killed server has left its socket.
      if (round % 2 === 1) await leaveDeadSocket(path);
      const at = Date.now() + aheadMs;
      for (const starter of all) tellToStart(starter, directory, at);
      const outcomes = await Promise.all(all.map((starter) => starter.until(isOutcome)));
      const winners = all.filter((_, index) => outcomes[index]?.["event"] === "listening");
      assert.equal(winners.length, 1, JSON.stringify(outcomes));
      for (const { event, code } of outcomes)
        if (event === "failed") assert.equal(code, "ERR_ADDRESS_IN_USE");
      const pid = winners[0]?.child.pid ?? 0;
      assert.equal(await whoAnswers(t, directory), pid);
      wins.set(pid, (wins.get(pid) ?? 0) + 1);
      for (const starter of all) starter.command({ do: "close" });
      for (const starter of all) await starter.until(isEvent("closed"));
      assert.deepEqual(readdirSync(directory), []);
    }
    const told = Object.entries(starters).map(([name, { child }]) => `${name} ${wins.get(child.pid ?? 0)}`);
    t.diagnostic(`${rounds} rounds, one winner in each: ${told.join(", ")}`);
    for (const starter of all) {
      starter.child.stdin?.end();
      assert.equal(await exitOf(starter), 0, starter.stderr);
    }
  });
});
