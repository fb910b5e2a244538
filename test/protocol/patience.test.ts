import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Patience } from "#dist/protocol/patience.js";

/** 100 ms for each tenth of 1000, from 5000 on. */
const patience = () => new Patience(100, { amount: 1_000, now: 5_000 });

describe("patience with a slow peer", () => {
  test("is over after its time if nothing moves", () => {
    assert.equal(patience().at, 5_100);
    assert.equal(new Patience(100, { amount: 0, now: 5_000 }).at, 5_100);
  });

  test("starts again with each tenth that moved, and with no less", () => {
    const slow = patience();
    for (const left of [1_000, 999, 901]) {
      slow.left(left, 5_050);
      assert.equal(slow.at, 5_100, `${left}`);
    }
    slow.left(900, 5_090);
    assert.equal(slow.at, 5_190);
    slow.left(801, 5_100);
    assert.equal(slow.at, 5_190);
    slow.left(700, 5_110);
    assert.equal(slow.at, 5_210);
  });

  test("starts again with the last of it, once", () => {
    const slow = patience();
    slow.left(50, 5_090);
    assert.equal(slow.at, 5_190);
    slow.left(1, 5_150);
    assert.equal(slow.at, 5_190);
    slow.left(0, 5_160);
    assert.equal(slow.at, 5_260);
    slow.left(0, 5_200);
    assert.equal(slow.at, 5_260);
  });

  test("does not start again if there was nothing to do", () => {
    const idle = new Patience(100, { amount: 0, now: 5_000 });
    idle.left(0, 5_050);
    assert.equal(idle.at, 5_100);
  });

  test("ends after ten times its time, whatever moves", () => {
    const slow = patience();
    for (let left = 900, now = 5_099; left > 0; left -= 100, now += 99) slow.left(left, now);
    assert.equal(slow.at, 5_991);
    slow.left(0, 5_990);
    assert.equal(slow.at, 6_000);
  });

  test("does not count a time by which it is extended, in the whole either", () => {
    const slow = patience();
    slow.extend(30);
    assert.equal(slow.at, 5_130);
    slow.left(0, 6_029);
    assert.equal(slow.at, 6_030);
  });
});
