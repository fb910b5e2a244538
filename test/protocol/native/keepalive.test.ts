import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Keepalive } from "#dist/protocol/native/keepalive.js";

const never = Number.POSITIVE_INFINITY;

function keepalive(keepaliveIntervalMs = 100, keepaliveTimeoutMs = 40): Keepalive {
  return new Keepalive({ keepaliveIntervalMs, keepaliveTimeoutMs }, 1_000);
}

describe("keepalive", () => {
  test("asks once nothing was heard for the interval", () => {
    const alive = keepalive();
    assert.equal(alive.nextTimeout(), 1_100);
    assert.equal(alive.handleTimeout(1_099), undefined);
    assert.equal(alive.handleTimeout(1_100), "ping");
  });

  test("starts again with each thing that is heard", () => {
    const alive = keepalive();
    alive.heard(1_050);
    assert.equal(alive.nextTimeout(), 1_150);
    assert.equal(alive.handleTimeout(1_150), "ping");
    alive.heard(1_160);
    assert.equal(alive.nextTimeout(), 1_260);
    assert.equal(alive.handleTimeout(1_259), undefined);
    assert.equal(alive.handleTimeout(1_260), "ping");
  });

  test("takes the peer for dead if nothing at all follows the ping in time", () => {
    const alive = keepalive();
    alive.handleTimeout(1_100);
    assert.equal(alive.nextTimeout(), 1_140);
    assert.equal(alive.handleTimeout(1_139), undefined);
    assert.equal(alive.handleTimeout(1_140), "dead");
  });

  test("asks again, and takes nobody for dead, if its own timer is late by more than half the time", () => {
    const alive = keepalive();
    alive.handleTimeout(1_100);
    assert.equal(alive.handleTimeout(1_161), "ping");
    assert.equal(alive.nextTimeout(), 1_201);
    assert.equal(alive.handleTimeout(1_400), "ping", "however often that happens");
    assert.equal(alive.handleTimeout(1_440), "dead");
  });

  test("takes the peer for dead if its own timer is late by half the time and no more", () => {
    const alive = keepalive();
    alive.handleTimeout(1_100);
    assert.equal(alive.handleTimeout(1_160), "dead");
  });

  test("asks once if it was held up before the first ping", () => {
    const alive = keepalive();
    assert.equal(alive.handleTimeout(50_000), "ping");
    assert.equal(alive.nextTimeout(), 50_040);
  });

  test("never asks if the interval is endless", () => {
    const alive = keepalive(never);
    assert.equal(alive.nextTimeout(), never);
    assert.equal(alive.handleTimeout(1e12), undefined);
  });
});
