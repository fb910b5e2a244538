import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { PeerError, SystemError } from "sealpipe";
import { Backoff, isCrowded, isPassing } from "#dist/endpoint/client/reconnect.js";

describe("the pauses between tries", () => {
  const options = { retryDelayMs: 100, maxRetryDelayMs: 900 };

  test("double up to the longest", () => {
    const backoff = new Backoff(options, () => 0);
    assert.deepEqual(
      Array.from({ length: 6 }, () => backoff.next()),
      [100, 200, 400, 800, 900, 900],
    );
  });

  test("begin again after a try that succeeded", () => {
    const backoff = new Backoff(options, () => 0);
    backoff.next();
    backoff.next();
    backoff.reset();
    assert.equal(backoff.next(), 100);
  });

  test("are shorter by up to half at random", () => {
    assert.equal(new Backoff(options, () => 0.5).next(), 75);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20 }), (tries) => {
        const backoff = new Backoff(options);
        for (let count = 0; count < tries; count++) backoff.next();
        const longest = Math.min(100 * 2 ** tries, 900);
        const pause = backoff.next();
        assert.ok(pause > longest / 2 && pause <= longest, `${pause} of ${longest}`);
      }),
    );
  });
});

describe("another try", () => {
  function connectFailed(code?: string): SystemError {
    const cause = code === undefined ? new Error("odd") : Object.assign(new Error(code), { code });
    return new SystemError("ERR_CONNECT_FAILED", "cannot connect", { cause });
  }

  for (const code of [
    ...["ENOENT", "ECONNREFUSED", "ECONNRESET", "EAGAIN", "EBUSY", "EPIPE"],
    "ETIMEDOUT",
    "UNKNOWN",
  ]) {
    test(`can go better after ${code}`, () => {
      assert.equal(isPassing(connectFailed(code)), true);
    });
  }

  test("is worth making soon if too many clients wait to be accepted, and only there", () => {
    assert.equal(isCrowded(connectFailed("EAGAIN")), true);
    assert.equal(isCrowded(connectFailed("ENOENT")), false);
    assert.equal(isCrowded(connectFailed()), false);
    assert.equal(isCrowded(new PeerError("ERR_CONNECTION_LOST", "lost")), false);
    assert.equal(isCrowded(new SystemError("ERR_CONNECT_FAILED", "no cause")), false);
  });

  for (const code of ["EACCES", "EPERM", "ENOTDIR", "ENAMETOOLONG", "ENOTSOCK", undefined]) {
    test(`goes no better after ${code ?? "a failure without a code"}`, () => {
      assert.equal(isPassing(connectFailed(code)), false);
    });
  }

  for (const code of ["ERR_HANDSHAKE_TIMEOUT", "ERR_CONNECTION_LOST"] as const) {
    test(`can go better after ${code}`, () => {
      assert.equal(isPassing(new PeerError(code, "")), true);
    });
  }

  for (const code of [
    "ERR_ENCRYPTION_REQUIRED",
    "ERR_VERSION_MISMATCH",
    "ERR_HANDSHAKE_INVALID",
    "ERR_INVALID_PUBLIC_KEY",
    "ERR_DECRYPTION_FAILED",
  ] as const) {
    test(`goes no better after ${code}`, () => {
      assert.equal(isPassing(new PeerError(code, "")), false);
    });
  }

  test("goes no better after a failure without a cause, or one that is not ours", () => {
    assert.equal(isPassing(new SystemError("ERR_CONNECT_FAILED", "")), false);
    assert.equal(isPassing(new Error("a mistake")), false);
  });
});
