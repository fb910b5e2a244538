import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isAfter, isIdOf, OwnStreamIds } from "#dist/protocol/native/streams/stream-ids.js";

describe("the ids of streams", () => {
  test("are odd at a client and even at a server, and never 0", () => {
    assert.deepEqual(
      [0, 1, 2, 3, 0xffff_fffe, 0xffff_ffff].map((id) => [isIdOf("client", id), isIdOf("server", id)]),
      [
        [false, false],
        [true, false],
        [false, true],
        [true, false],
        [false, true],
        [true, false],
      ],
    );
  });

  test("begin with the lowest, go up by two, and begin again after the highest", () => {
    const unused = () => false;
    for (const [side, highest, lowest] of [
      ["client", 0xffff_ffff, 1],
      ["server", 0xffff_fffe, 2],
    ] as const) {
      const ids = new OwnStreamIds(side);
      assert.deepEqual([ids.last, ids.next(unused), ids.next(unused)], [0, lowest, lowest + 2]);
      assert.equal(ids.last, lowest + 2);
      const last = new OwnStreamIds(side, highest - 2);
      assert.deepEqual([last.next(unused), last.next(unused)], [highest, lowest]);
    }
  });

  test("leave out those that are in use", () => {
    const ids = new OwnStreamIds("server", 0xffff_fffe);
    assert.equal(
      ids.next((id) => id < 7),
      8,
    );
  });

  test("are after one another by the half of all numbers that follows", () => {
    assert.equal(isAfter(1, 0), true);
    assert.equal(isAfter(5, 5), false);
    assert.equal(isAfter(5, 7), false);
    assert.equal(isAfter(1, 0xffff_ffff), true);
    assert.equal(isAfter(0x8000_0000, 1), true);
    assert.equal(isAfter(0x8000_0001, 1), false);
  });
});
