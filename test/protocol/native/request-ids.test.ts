import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PeerError } from "#dist/errors.js";
import { checkRequestId, highestRequestId, RequestIds } from "#dist/protocol/native/request-ids.js";

const none = new Set<number>();

describe("the ids of requests", () => {
  test("begin with 1 and count up", () => {
    const ids = new RequestIds();
    assert.deepEqual([ids.next(none), ids.next(none), ids.next(none)], [1, 2, 3]);
  });

  test("begin again with 1 after 4294967295", () => {
    assert.equal(highestRequestId, 4_294_967_295);
    const ids = new RequestIds(4_294_967_293);
    assert.deepEqual([ids.next(none), ids.next(none), ids.next(none)], [4_294_967_294, 4_294_967_295, 1]);
  });

  test("are not those of requests without an answer yet", () => {
    const unanswered = new Set([1, 2, 4, 4_294_967_295]);
    const ids = new RequestIds(4_294_967_293);
    assert.deepEqual(
      [ids.next(unanswered), ids.next(unanswered), ids.next(unanswered)],
      [4_294_967_294, 3, 5],
    );
  });
});

describe("a peer's request", () => {
  test("may have any id that none has which is being handled", () => {
    checkRequestId(1, none);
    checkRequestId(2, new Set([1, 3]));
    checkRequestId(4_294_967_295, new Map([[1, "one"]]));
  });

  for (const { id, handled, message } of [
    { id: 7, handled: new Set([7]), message: /a request 7 while one of that id is being handled/ },
    { id: 0, handled: none, message: /a request with the id 0/ },
  ]) {
    test(`is refused with the id ${id} while ${[...handled].join() || "none"} is being handled`, () => {
      assert.throws(
        () => checkRequestId(id, handled),
        (error) => {
          assert.ok(error instanceof PeerError);
          assert.equal(error.code, "ERR_FRAME_INVALID");
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }
});
