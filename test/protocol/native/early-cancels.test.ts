import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EarlyCancels, highestEarlyCancels, highestOvertaken } from "#dist/protocol/native/early-cancels.js";

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
    for (let id = 2; id <= 2 * highestOvertaken + 4; id += 2) cancels.arrived(id);
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

  test("are known where ids begin again", () => {
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
    const last = 3 * highestOvertaken;
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

  test("are forgotten with the session", () => {
    const cancels = new EarlyCancels();
    cancels.arrived(9);
    cancels.add(10);
    cancels.clear();
    assert.equal(cancels.arrived(10), false);
    cancels.clear();
    cancels.add(1);
    assert.equal(cancels.arrived(1), true);
  });

  test("are bounded in number", () => {
    const cancels = new EarlyCancels();
    for (let id = 1; id <= highestEarlyCancels + 1; id++) cancels.add(id);
    assert.equal(cancels.arrived(highestEarlyCancels), true);
    assert.equal(cancels.arrived(highestEarlyCancels + 1), false);
  });
});
