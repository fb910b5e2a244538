import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PeerError } from "sealpipe";
import { Refusals } from "#dist/endpoint/server/refusals.js";

const native = new PeerError("ERR_PEER_NOT_NATIVE", "the client speaks classic");
const secret = new PeerError("ERR_AUTHENTICATION_FAILED", "another secret");
const lost = new PeerError("ERR_CONNECTION_LOST", "lost");

describe("refusals", () => {
  test("are reported once of each kind, and later with the number that were not", () => {
    let now = 0;
    const refusals = new Refusals(() => now);
    assert.equal(refusals.worthTelling(native), native);
    assert.equal(refusals.worthTelling(secret), secret);
    now = 9_999;
    for (let count = 0; count < 3; count++) assert.equal(refusals.worthTelling(native), undefined);
    now = 10_000;
    const told = refusals.worthTelling(native);
    assert.equal(told?.code, "ERR_PEER_NOT_NATIVE");
    assert.match(told.message, /^the client speaks classic; 3 more of this kind/);
    assert.equal(told.cause, native);
    assert.equal(refusals.worthTelling(secret), secret, "none was left out");
  });

  test("of other kinds are reported each time", () => {
    const refusals = new Refusals(() => 0);
    for (let count = 0; count < 3; count++) assert.equal(refusals.worthTelling(lost), lost);
  });
});
