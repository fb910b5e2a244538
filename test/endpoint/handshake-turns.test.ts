import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { HandshakeTurns } from "#dist/endpoint/handshake-turns.js";

describe("handshakes that take turns", () => {
  test("have one turn in each turn of the event loop, in the order in which they came", async () => {
    const turns = new HandshakeTurns();
    const taken: string[] = [];
    for (const name of ["a", "b", "c"]) turns.wait("fresh", () => taken.push(name));
    assert.deepEqual(taken, [], "not before wait returns");
    for (const expected of [["a"], ["a", "b"], ["a", "b", "c"], ["a", "b", "c"]]) {
      await turn();
      assert.deepEqual(taken, expected);
    }
  });

  test("that have begun go before those that are fresh", async () => {
    const turns = new HandshakeTurns();
    const taken: string[] = [];
    turns.wait("fresh", () => taken.push("fresh"));
    turns.wait("begun", () => taken.push("begun"));
    await turn();
    await turn();
    assert.deepEqual(taken, ["begun", "fresh"]);
  });

  test("can leave, and the others go on", async () => {
    const turns = new HandshakeTurns();
    const taken: string[] = [];
    const leaving = () => taken.push("never");
    turns.wait("fresh", leaving);
    turns.wait("begun", leaving);
    turns.leave(leaving);
    await turn();
    turns.wait("fresh", () => taken.push("after it"));
    await turn();
    assert.deepEqual(taken, ["after it"]);
  });
});
