import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { describe, test } from "node:test";
import { isEvent } from "../support/children.ts";
import { clientAt } from "../support/endpoints.ts";
import { freshDirectory } from "../support/names.ts";
import { addressOf } from "../support/raw-peer.ts";
import { isOutcome, starterName, startStarter, tellToStart, whoAnswers } from "../support/starters.ts";
import { times } from "../support/thorough.ts";
import { nextEvent, turns, until } from "../support/waiting.ts";

const unixOnly = process.platform === "win32" && "pipes have no file";
const timeout = 220_000;

describe("a server that is killed with SIGKILL", { skip: unixOnly, timeout }, () => {
  const kills = times(100);
  test(`comes up again each time without help, and its client finds it, ${kills} times`, async (t) => {
    const directory = freshDirectory();
    let running = await startStarter();
    tellToStart(running, directory);
    assert.equal((await running.until(isOutcome))["event"], "listening");
    const client = await clientAt(t, starterName, { directory, encryption: false });
    for (let kill = 1; kill <= kills; kill++) {
      const next = await startStarter();
      const lost = nextEvent<[string]>(client, "status");
      await running.kill();
      assert.deepEqual(readdirSync(directory), ["my-app.sock"], "what the killed one has left");
      tellToStart(next, directory);
      const outcome = await next.until(isOutcome);
      assert.equal(outcome["event"], "listening", JSON.stringify(outcome));
      running = next;
      assert.deepEqual(await lost, ["reconnecting"]);
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

  test("comes up again if it was killed while it started, at whatever point", async (t) => {
    const kills = times(50);
    const directory = freshDirectory();
    let shown = 0;
    for (let kill = 1; kill <= kills; kill++) {
      const starter = await startStarter();
      const before = readdirSync(directory).length;
      tellToStart(starter, directory);
      let over = false;
      const outcome = starter.until(isOutcome).catch(() => {});
      outcome.then(() => {
        over = true;
      });
      // Where it binds the socket, if that is seen. What comes then takes it some turns of its event loop.
      await until(() => over || readdirSync(directory).length > before);
      await turns(kill % 10);
      await starter.kill();
      shown += existsSync(addressOf(starterName, directory)) ? 1 : 0;
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
