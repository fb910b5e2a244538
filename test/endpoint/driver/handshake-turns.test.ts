import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { HandshakeTurns, type Stage, type TakeTurn } from "#dist/endpoint/driver/handshake-turns.js";

function setUp() {
  const turns = new HandshakeTurns();
  const taken: string[] = [];
  const wait = (stage: Stage, ...names: readonly string[]): void => {
    for (const name of names) turns.wait(stage, taker(name));
  };
  const taker = (name: string): TakeTurn => {
    return () => {
      taken.push(name);
      return name.startsWith("elsewhere") ? "elsewhere" : "here";
    };
  };
  return { turns, taken, wait, taker };
}

describe("handshakes that take turns", () => {
  test("have one turn in each turn of the event loop", async () => {
    const { taken, wait } = setUp();
    wait("fresh", "a", "b", "c");
    for (const expected of [0, 1, 2, 3, 3]) {
      assert.equal(taken.length, expected, "and none before wait returns");
      await turn();
    }
  });

  test("alternate: those that have begun and the fresh, and of each kind the newest and the oldest", async () => {
    const { taken, wait } = setUp();
    wait("fresh", "f1", "f2", "f3", "f4");
    wait("begun", "b1", "b2", "b3", "b4");
    while (taken.length < 8) await turn();
    assert.deepEqual(taken, ["b4", "f4", "b1", "f1", "b3", "f3", "b2", "f2"]);
  });

  test("are not kept waiting by those that come later, however many", async () => {
    const { taken, wait } = setUp();
    wait("fresh", "first");
    wait("begun", "first too");
    for (let count = 0; count < 4; count++) {
      wait("fresh", `fresh ${count}`, `another ${count}`);
      wait("begun", `begun ${count}`, `one more ${count}`);
      await turn();
    }
    assert.ok(taken.includes("first") && taken.includes("first too"), `${taken}`);
  });

  test("let clients that wait to be accepted come before, but not for ever", async () => {
    const { turns, taken, wait } = setUp();
    wait("fresh", "a", "b");
    const counts: number[] = [];
    for (let count = 0; count < 12; count++) {
      turns.clientCame();
      await turn();
      counts.push(taken.length);
    }
    assert.deepEqual(counts, [0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2]);
  });

  test("have at most two steps elsewhere, and go on when one is back", async () => {
    const { turns, taken, wait } = setUp();
    wait("fresh", "elsewhere 1", "here");
    wait("begun", "elsewhere 2", "elsewhere 3");
    while (taken.length < 3) await turn();
    assert.deepEqual(taken, ["elsewhere 3", "here", "elsewhere 2"]);
    for (let count = 0; count < 5; count++) await turn();
    assert.equal(taken.length, 3);
    turns.cameBack();
    await turn();
    assert.deepEqual(taken.slice(3), ["elsewhere 1"]);
    wait("fresh", "late");
    for (let count = 0; count < 5; count++) await turn();
    assert.equal(taken.length, 4);
    turns.cameBack();
    turns.cameBack();
    await turn();
    assert.deepEqual(taken.slice(4), ["late"]);
  });

  test("can leave, and the others go on", async () => {
    const { turns, taken, wait, taker } = setUp();
    const leaving = taker("never");
    turns.wait("fresh", leaving);
    turns.wait("begun", leaving);
    turns.leave(leaving);
    turns.leave(leaving);
    await turn();
    wait("fresh", "after it");
    await turn();
    assert.deepEqual(taken, ["after it"]);
  });
});
