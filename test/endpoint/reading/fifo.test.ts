import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Fifo } from "#dist/endpoint/reading/fifo.js";

describe("a fifo", () => {
  test("gives what was put in, in order, and then nothing", () => {
    const fifo = new Fifo<string>();
    fifo.push("a");
    fifo.push("b");
    assert.equal(fifo.length, 2);
    assert.equal(fifo.first, "a");
    assert.equal(fifo.shift(), "a");
    fifo.push("c");
    assert.deepEqual([fifo.shift(), fifo.shift(), fifo.shift()], ["b", "c", undefined]);
    assert.equal(fifo.length, 0);
    assert.equal(fifo.first, undefined);
  });

  test("keeps the order while much goes in and out", () => {
    const fifo = new Fifo<number>();
    let pushed = 0;
    let expected = 0;
    for (let round = 0; round < 100; round++) {
      for (let count = 0; count < 100; count++) fifo.push(++pushed);
      for (let count = 0; count < 80; count++) assert.equal(fifo.shift(), ++expected);
    }
    assert.equal(fifo.length, 2_000);
    while (fifo.length > 0) assert.equal(fifo.shift(), ++expected);
    assert.equal(expected, pushed);
  });

  test("is empty once it is cleared", () => {
    const fifo = new Fifo<number>();
    fifo.push(1);
    fifo.push(2);
    fifo.shift();
    fifo.clear();
    assert.equal(fifo.length, 0);
    assert.equal(fifo.shift(), undefined);
  });
});
