import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CallerError, PeerError } from "#dist/errors.js";
import { checkMessage, checkPeerTakes, maxType, reservedType } from "#dist/protocol/message.js";
import { thrownCode } from "../support/engine-probe.ts";

describe("checkPeerTakes", () => {
  test("takes as many bytes as the peer does", () => {
    checkPeerTakes(0, 0);
    checkPeerTakes(10, 10);
  });

  test("blames the peer for one more", () => {
    assert.throws(() => checkPeerTakes(11, 10), PeerError);
    assert.throws(() => checkPeerTakes(11, 10), {
      code: "ERR_TOO_LARGE_FOR_PEER",
      message: /11 bytes .* the peer's maxMessageBytes \(10\)$/,
    });
  });
});

describe("checkMessage", () => {
  for (const type of [1, 5, 2 ** 31, 2 ** 32 - 1]) {
    test(`takes type ${type}`, () => checkMessage(type, 0, 0));
  }

  for (const type of [0, -0]) {
    test(`refuses type ${Object.is(type, -0) ? "-0" : "0"} as reserved`, () => {
      assert.throws(() => checkMessage(type, 0, 10), {
        code: "ERR_RESERVED_TYPE",
        message: "message type 0 is reserved; use 1 to 4294967295",
      });
    });
  }

  for (const type of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32, "5", 5n, undefined, null, {}]) {
    test(`refuses type ${typeof type} ${String(type)} as out of range`, () => {
      assert.equal(
        thrownCode(() => checkMessage(type as never, 0, 10)),
        "ERR_TYPE_OUT_OF_RANGE",
      );
    });
  }

  test("says which type it refuses", () => {
    assert.throws(() => checkMessage(1.5, 0, 10), /from 1 to 4294967295, not 1\.5$/);
    assert.throws(() => checkMessage("5" as never, 0, 10), /from 1 to 4294967295, not a string$/);
  });

  test("refuses as out of range what has no text of its own", () => {
    assert.throws(() => checkMessage(Object.create(null), 0, 10), { code: "ERR_TYPE_OUT_OF_RANGE" });
  });

  test("takes as many bytes as the limit and not one more", () => {
    checkMessage(5, 10, 10);
    assert.throws(() => checkMessage(5, 11, 10), {
      code: "ERR_MESSAGE_TOO_LARGE",
      message: /11 bytes .* maxMessageBytes \(10\)$/,
    });
  });

  test("takes an empty message even if the limit is 0", () => checkMessage(5, 0, 0));

  test("blames the caller", () => {
    assert.throws(() => checkMessage(0, 0, 10), CallerError);
    assert.throws(() => checkMessage(-1, 0, 10), CallerError);
    assert.throws(() => checkMessage(1, 11, 10), CallerError);
  });

  test("knows the wire's bounds", () => {
    assert.equal(reservedType, 0);
    assert.equal(maxType, 0xffff_ffff);
  });
});
