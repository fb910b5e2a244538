import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PeerError } from "#dist/errors.js";
import { maxRequestId, OwnRequestIds, PeerRequestIds } from "#dist/protocol/native/requests/request-ids.js";

describe("the ids of our own requests", () => {
  test("begin with 1 and count up", () => {
    const ids = new OwnRequestIds();
    assert.deepEqual([ids.next(), ids.next(), ids.next()], [1, 2, 3]);
  });

  test("begin again with 1 after 4294967295", () => {
    assert.equal(maxRequestId, 4_294_967_295);
    const ids = new OwnRequestIds(4_294_967_293);
    assert.deepEqual([ids.next(), ids.next(), ids.next()], [4_294_967_294, 4_294_967_295, 1]);
  });

  test("are in use until they are settled, once", () => {
    const ids = new OwnRequestIds(4_294_967_294);
    assert.deepEqual([ids.next(), ids.next()], [4_294_967_295, 1]);
    assert.equal(ids.settle(1), true);
    assert.equal(ids.settle(1), false);
    assert.equal(ids.settle(2), false);
  });

  test("are not those of requests without an answer yet", () => {
    const ids = new OwnRequestIds(4_294_967_294);
    const [last] = [ids.next(), ids.next(), ids.next()];
    const round = new OwnRequestIds(0);
    for (let id = 1; id <= 4; id++) round.next();
    round.settle(3);
    assert.equal(last, 4_294_967_295);
    assert.equal(round.next(), 5);
    const wrapped = new OwnRequestIds(4_294_967_293);
    wrapped.next();
    wrapped.next();
    wrapped.next();
    assert.equal(wrapped.settle(4_294_967_295), true);
  });
});

describe("the ids of a peer's requests", () => {
  test("may be any that none has which is being handled", () => {
    const ids = new PeerRequestIds();
    for (const id of [1, 3, 2, 4_294_967_295]) assert.equal(ids.arrived(id), true);
    ids.settle(3);
    assert.equal(ids.arrived(3), true);
    assert.equal(ids.has(3), true);
    assert.equal(ids.has(4), false);
  });

  for (const { id, message } of [
    { id: 7, message: /a request 7 while one of that id is being handled/ },
    { id: 0, message: /a request with the id 0/ },
  ]) {
    test(`are refused with ${id} while 7 is being handled`, () => {
      const ids = new PeerRequestIds();
      ids.arrived(7);
      assert.throws(
        () => ids.arrived(id),
        (error) => {
          assert.ok(error instanceof PeerError);
          assert.equal(error.code, "ERR_FRAME_INVALID");
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  test("are cancelled while they are handled, before they come, or when it is too late", () => {
    const ids = new PeerRequestIds();
    ids.arrived(1);
    assert.equal(ids.cancelled(1), true);
    assert.equal(ids.has(1), false);
    assert.equal(ids.cancelled(1), false, "it crossed the answer");
    assert.equal(ids.cancelled(2), false, "it came early");
    assert.equal(ids.arrived(2), false);
    assert.equal(ids.has(2), false);
    assert.equal(ids.arrived(2), true, "once");
  });
});
