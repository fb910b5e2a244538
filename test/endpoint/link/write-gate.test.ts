import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { WriteGate } from "#dist/endpoint/link/write-gate.js";
import { isSettled } from "../../support/waiting.ts";

const gone = new Error("the peer has gone");

describe("a write gate of 800 bytes", () => {
  test("lets writers go on while no more than a quarter waits", () => {
    const gate = new WriteGate(800);
    assert.equal(gate.roomAt(0), undefined);
    assert.equal(gate.roomAt(200), undefined);
    assert.ok(gate.roomAt(201) instanceof Promise);
  });

  test("gives all who have to wait one promise, which settles when an eighth is left", async () => {
    const gate = new WriteGate(800);
    const room = gate.roomAt(201);
    assert.equal(gate.roomAt(700), room);
    gate.progressed(101);
    assert.equal(await isSettled(room), false);
    gate.progressed(100);
    await room;
    assert.notEqual(gate.roomAt(201), room, "the next who wait have another");
  });

  test("refuses writes once 800 bytes wait, and not before", () => {
    const gate = new WriteGate(800);
    gate.checkRoom(799);
    assert.throws(() => gate.checkRoom(800), {
      code: "ERR_QUEUE_FULL",
      message: /800 bytes wait to be sent, over maxQueuedBytes \(800\)/,
    });
  });

  test("lets a flush settle when nothing waits", async () => {
    const gate = new WriteGate(800);
    await gate.flushAt(0);
    const flushes = [gate.flushAt(5), gate.flushAt(5)];
    gate.progressed(1);
    assert.equal(await isSettled(Promise.race(flushes)), false);
    gate.progressed(0);
    await Promise.all(flushes);
  });

  test("rejects flushes, and lets writers wait on, if what waited is lost", async () => {
    const gate = new WriteGate(800);
    const room = gate.roomAt(300);
    const flush = gate.flushAt(300);
    gate.lost(gone);
    await assert.rejects(flush, gone);
    assert.equal(await isSettled(room), false);
    gate.progressed(0);
    await room;
  });

  test("lets writers go on and fails flushes if nothing will leave any more", async () => {
    const gate = new WriteGate(800);
    const room = gate.roomAt(300);
    const flush = gate.flushAt(300);
    gate.end(gone);
    await assert.rejects(flush, gone);
    await room;
    gate.end(gone);
  });
});
