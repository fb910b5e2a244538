import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { describe, type TestContext, test } from "node:test";
import { exitOf, isEvent, startChild } from "../support/children.ts";
import { leaveDeadSocket } from "../support/dead-socket.ts";
import { clientAt } from "../support/endpoints.ts";
import type { Line, LinesProcess } from "../support/lines-process.ts";
import { freshDirectory } from "../support/names.ts";
import { addressOf } from "../support/raw-peer.ts";
import { turns, until } from "../support/waiting.ts";

const unixOnly = process.platform === "win32" && "pipes have no file";
const timeout = 220_000;
const name = "my-app";
const encryption = false;

function isOutcome({ event }: Line): boolean {
  return event === "listening" || event === "failed";
}

async function startStarter(): Promise<LinesProcess> {
  const starter = startChild("starter");
  await starter.until(isEvent("ready"));
  return starter;
}

function tellToStart(starter: LinesProcess, directory: string, at = 0): void {
  starter.command({ do: "start", name, options: { directory, encryption }, at });
}

/** Which process answers at the address. */
async function whoAnswers(t: TestContext, directory: string): Promise<number> {
  const client = await clientAt(t, name, { directory, encryption });
  await client.write(1, "who are you?");
  const { text } = await client.read({ timeoutMs: 20_000 });
  await client.close();
  return Number(text);
}

describe("two servers that start at the same instant", { timeout }, () => {
  const rounds = 200;
  /** Enough for both to have got the command. */
  const aheadMs = 5;

  test(`have exactly one winner each time, which is reachable, ${rounds} times`, async (t) => {
    const directory = freshDirectory();
    const path = addressOf(name, directory);
    const starters = [await startStarter(), await startStarter()];
    const wins = [0, 0];
    for (let round = 0; round < rounds; round++) {
      // Every second time where a killed server has left its socket.
      if (round % 2 === 1 && unixOnly === false) await leaveDeadSocket(path);
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

describe("a server that is killed with SIGKILL", { skip: unixOnly, timeout }, () => {
  test("comes up again each time without help, and its client finds it, 100 times", async (t) => {
    const kills = 100;
    const directory = freshDirectory();
    let running = await startStarter();
    tellToStart(running, directory);
    assert.equal((await running.until(isOutcome))["event"], "listening");
    const client = await clientAt(t, name, { directory, encryption });
    for (let kill = 1; kill <= kills; kill++) {
      const next = await startStarter();
      await running.kill();
      assert.deepEqual(readdirSync(directory), ["my-app.sock"], "what the killed one has left");
      tellToStart(next, directory);
      const outcome = await next.until(isOutcome);
      assert.equal(outcome["event"], "listening", JSON.stringify(outcome));
      running = next;
      if (client.status === "connected") await new Promise((resolve) => client.once("status", resolve));
      await client.write(1, "who are you?");
      assert.equal(Number((await client.read({ timeoutMs: 20_000 })).text), running.child.pid);
    }
    t.diagnostic(
      `${kills} kills, ${kills} starts at the dead socket, one client that went on through all of them`,
    );
    await client.close();
    running.command({ do: "close" });
    await running.until(isEvent("closed"));
    assert.deepEqual(readdirSync(directory), []);
    await running.kill();
  });

  test("comes up again where it was killed while it started, at whatever point", async (t) => {
    const kills = 20;
    const directory = freshDirectory();
    let shown = 0;
    for (let kill = 1; kill <= kills; kill++) {
      const starter = await startStarter();
      const before = readdirSync(directory).length;
      tellToStart(starter, directory);
      // Where it binds the socket. What comes then takes it some turns of its event loop.
      await until(() => readdirSync(directory).length > before);
      await turns(kill % 10);
      await starter.kill();
      shown += existsSync(addressOf(name, directory)) ? 1 : 0;
    }
    const last = await startStarter();
    tellToStart(last, directory);
    const outcome = await last.until(isOutcome);
    assert.equal(outcome["event"], "listening", JSON.stringify(outcome));
    assert.equal(await whoAnswers(t, directory), last.child.pid);
    const left = readdirSync(directory).filter((entry) => entry.startsWith(".sp-")).length;
    t.diagnostic(
      `${kills} kills while it started: ${shown} left a socket at the address, ${left} a directory beside it`,
    );
    await last.kill();
  });
});
