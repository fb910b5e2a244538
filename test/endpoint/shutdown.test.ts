import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Shutdown } from "#dist/endpoint/shutdown.js";

describe("a shutdown", () => {
  test("begins once", () => {
    const shutdown = new Shutdown();
    assert.equal(shutdown.hasBegun, false);
    assert.deepEqual([shutdown.begin(), shutdown.begin()], [true, false]);
    assert.equal(shutdown.hasBegun, true);
  });

  test("comes to an end in order if nobody destroys with an error", () => {
    const shutdown = new Shutdown();
    assert.equal(shutdown.status, "closed");
    shutdown.destroyed(undefined);
    assert.equal(shutdown.status, "closed");
    assert.equal(shutdown.error, undefined);
  });

  test("goes by the first destroy, with an error or without", () => {
    const failed = new Shutdown();
    const error = new Error("first");
    failed.destroyed(error);
    failed.destroyed(undefined);
    assert.equal(failed.error, error);
    assert.equal(failed.status, "error");

    const orderly = new Shutdown();
    orderly.destroyed(undefined);
    orderly.destroyed(error);
    assert.equal(orderly.error, undefined);
    assert.equal(orderly.status, "closed");
  });
});
