import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { IdMap } from "#dist/protocol/id-map.js";

describe("what belongs to ids that count up", () => {
  test("is there until it is deleted, once", () => {
    const map = new IdMap<string>();
    assert.deepEqual([map.get(1), map.has(1), map.delete(1), map.size], [undefined, false, false, 0]);
    map.add(1, "one");
    map.add(2, "two");
    assert.deepEqual([map.get(1), map.has(2), map.size], ["one", true, 2]);
    assert.deepEqual([map.delete(1), map.delete(1), map.get(1), map.size], [true, false, undefined, 1]);
    map.add(1, "again");
    assert.deepEqual(map.values(), ["again", "two"]);
  });

  test("does not disturb others, however many there are and in whatever order they go", () => {
    const map = new IdMap<number>();
    const model = new Map<number, number>();
    let seed = 1;
    for (let id = 1; id <= 20_000; id++) {
      map.add(id, -id);
      model.set(id, -id);
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      const gone = (seed % id) + 1;
      assert.equal(map.delete(gone), model.delete(gone));
      assert.equal(map.size, model.size);
    }
    assert.deepEqual(map.values(), [...model.values()]);
    for (let id = 0; id <= 20_001; id++) assert.equal(map.get(id), model.get(id));
  });

  test("may stay while its slot goes to millions of others", () => {
    const map = new IdMap<string>();
    map.add(7, "stays");
    for (let id = 8; id < 300_000; id++) {
      map.add(id, "goes");
      if (id % 8 === 7) assert.equal(map.get(7), "stays");
      assert.equal(map.delete(id), true);
    }
    assert.deepEqual([map.get(7), map.size, map.values()], ["stays", 1, ["stays"]]);
    assert.deepEqual([map.delete(7), map.delete(7), map.size], [true, false, 0]);
  });

  test("is kept if a peer chooses ids that all have the same slot", () => {
    const map = new IdMap<number>();
    for (let index = 0; index < 5_000; index++) map.add((index * 65_536) >>> 0, index);
    assert.equal(map.size, 5_000);
    for (let index = 0; index < 5_000; index++) assert.equal(map.get((index * 65_536) >>> 0), index);
    for (let index = 0; index < 5_000; index++) assert.equal(map.delete((index * 65_536) >>> 0), true);
    assert.deepEqual([map.size, map.get(0)], [0, undefined]);
  });

  test("comes in the order of the ids, which begin again after 4294967295", () => {
    const map = new IdMap<number>();
    for (const id of [4_294_967_294, 4_294_967_295, 1, 2, 300]) map.add(id, id);
    assert.deepEqual(map.values(), [4_294_967_294, 4_294_967_295, 1, 2, 300]);
  });

  test("is many thousands at a time, and then none", () => {
    const map = new IdMap<number>();
    for (let id = 1; id <= 100_000; id++) map.add(id, id);
    assert.equal(map.size, 100_000);
    assert.deepEqual([map.get(1), map.get(50_000), map.get(100_000)], [1, 50_000, 100_000]);
    for (let id = 1; id <= 100_000; id++) assert.equal(map.delete(id), true);
    assert.deepEqual([map.size, map.values()], [0, []]);
    map.add(1, 1);
    map.clear();
    assert.deepEqual([map.size, map.get(1)], [0, undefined]);
  });
});
