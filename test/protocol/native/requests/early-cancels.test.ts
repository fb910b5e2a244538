import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EarlyCancels, maxEarlyCancels, maxOvertaken } from "#dist/protocol/native/requests/early-cancels.js";

describe("cancels that come before their requests", () => {
  test("are known when the request comes, once", () => {
    const cancels = new EarlyCancels();
    cancels.add(2);
    assert.equal(cancels.arrived(1), false);
    assert.equal(cancels.arrived(2), true);
    assert.equal(cancels.arrived(2), false);
  });

  test("are not those of requests that have come before", () => {
    const cancels = new EarlyCancels();
    for (const id of [1, 2, 3]) cancels.arrived(id);
    cancels.add(3);
    cancels.add(2);
    assert.equal(cancels.arrived(3), false);
    assert.equal(cancels.arrived(2), false);
  });

  test("are those of requests that later ones have overtaken", () => {
    const cancels = new EarlyCancels();
    for (const id of [1, 4]) cancels.arrived(id);
    cancels.add(2);
    assert.equal(cancels.arrived(3), false);
    cancels.add(3);
    assert.equal(cancels.arrived(2), true);
    assert.equal(cancels.arrived(3), false);
  });

  test("are not those of requests that were overtaken by very many", () => {
    const cancels = new EarlyCancels();
    for (let id = 2; id <= 2 * maxOvertaken + 4; id += 2) cancels.arrived(id);
    for (const id of [1, 3, 5]) cancels.add(id);
    assert.deepEqual(
      [1, 3, 5].map((id) => cancels.arrived(id)),
      [false, false, true],
    );
  });

  test("are known of a session whose ids do not begin with 1", () => {
    const cancels = new EarlyCancels();
    cancels.arrived(1_000_000);
    cancels.add(1_000_001);
    cancels.add(999_999);
    assert.deepEqual([cancels.arrived(1_000_001), cancels.arrived(999_999)], [true, true]);
  });

  test("are known if ids begin again", () => {
    const cancels = new EarlyCancels();
    cancels.arrived(0x7fff_ffff);
    cancels.arrived(4_294_967_294);
    cancels.arrived(4_294_967_295);
    cancels.add(4_294_967_294);
    cancels.add(1);
    assert.equal(cancels.arrived(4_294_967_294), false);
    assert.equal(cancels.arrived(1), true);
  });

  test("are known in the middle of those that were overtaken, and bounded in number there", () => {
    const cancels = new EarlyCancels();
    const last = 3 * maxOvertaken;
    cancels.arrived(last);
    // Each leaves two runs where there was one.
    for (let id = 3; id < last; id += 2) assert.equal(cancels.arrived(id), false);
    for (const id of [3, 4, last - 1, last - 2]) cancels.add(id);
    assert.deepEqual(
      [3, 4, last - 1, last - 2].map((id) => cancels.arrived(id)),
      [false, false, false, true],
    );
  });

  test("are known of a peer whose ids leap", () => {
    const cancels = new EarlyCancels();
    const leap = 0x7000_0000;
    let id = 0;
    // As many as one record has. With each id that was left out in a set, they took most of a second.
    for (let arrived = 0; arrived < 6_000; arrived++) {
      id = (id + leap) >>> 0;
      cancels.arrived(id);
    }
    cancels.add((id - 1) >>> 0);
    assert.equal(cancels.arrived((id - 1) >>> 0), true);
  });

  test("are bounded in number", () => {
    const cancels = new EarlyCancels();
    for (let id = 1; id <= maxEarlyCancels + 1; id++) cancels.add(id);
    assert.equal(cancels.arrived(maxEarlyCancels), true);
    assert.equal(cancels.arrived(maxEarlyCancels + 1), false);
  });

  test("are found in each gap, and nowhere else, even if ids begin again and after they have leapt", () => {
    const starts = [0, 0xffff_ff00, 0x7fff_ff00];
    for (const [start, many] of starts.flatMap((start) =>
      [2, 5, 500].map((many) => [start, many] as const),
    )) {
      const cancels = new EarlyCancels();
      let id = start;
      // Far, far ahead, and so past where it began.
      for (let leaps = 0; leaps < 5; leaps++) {
        id = (id + 0x7000_0000) >>> 0;
        cancels.arrived(id);
      }
      const gaps: number[] = [];
      for (let count = 0; count < many; count++) {
        const size = 1 + (count % 3);
        for (let gap = 1; gap <= size; gap++) gaps.push((id + gap) >>> 0);
        id = (id + size + 1) >>> 0;
        cancels.arrived(id);
        cancels.add(id);
        assert.equal(cancels.arrived(id), false, "it has come before");
      }
      for (const gap of gaps) cancels.add(gap);
      for (const gap of gaps) assert.equal(cancels.arrived(gap), true, `${gap}`);
      for (const gap of gaps) cancels.add(gap);
      for (const gap of gaps) assert.equal(cancels.arrived(gap), false, `${gap} has come before`);
    }
  });

  test("are known of ids that were passed, and lie ahead or were passed again", () => {
    const cancels = new EarlyCancels();
    cancels.arrived(0x7000_0000);
    cancels.add(5);
    cancels.arrived(0xe000_0000);
    cancels.arrived(0x5000_0000);
    cancels.add(0x7000_0001);
    assert.deepEqual(
      [0x7000_0001, 5].map((id) => cancels.arrived(id)),
      [true, true],
    );
  });

  test("are not those of requests that have come, however often ids have gone round since others were passed", () => {
    for (let leaps = 1; leaps < 12; leaps++) {
      for (let behind = 1; behind < 8; behind++) {
        const cancels = new EarlyCancels();
        for (let leap = 1; leap <= leaps; leap++) cancels.arrived((leap * 0x7000_0000) >>> 0);
        const id = (leaps * 0x7000_0000 - behind * 0x1000_0000 + 1) >>> 0;
        cancels.arrived(id);
        cancels.add(id);
        assert.equal(cancels.arrived(id), false, `${leaps} leaps, ${behind} behind`);
      }
    }
  });

  test("are found no more slowly by far if very many were overtaken", () => {
    const gappy = (gaps: number): number => {
      const cancels = new EarlyCancels();
      for (let id = 2; id <= 2 * gaps; id += 2) cancels.arrived(id);
      const begun = performance.now();
      for (let count = 0; count < 20_000; count++) cancels.add(2 * gaps - (count % 2));
      return performance.now() - begun;
    };
    // The quickest of some, as other processes are at work too. Each step through all would take a hundred times as long.
    const quickest = (gaps: number) => Math.min(...Array.from({ length: 20 }, () => gappy(gaps)));
    gappy(maxOvertaken);
    const [few, many] = [quickest(4), quickest(maxOvertaken)] as [number, number];
    assert.ok(many < 25 * few, `${many} ms with many, ${few} ms with few`);
  });
});
