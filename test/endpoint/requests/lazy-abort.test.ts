import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LazyAbort } from "#dist/endpoint/requests/lazy-abort.js";

describe("a lazy abort", () => {
  test("has one signal, which is not aborted at first", () => {
    const lazy = new LazyAbort();
    assert.equal(lazy.signal.aborted, false);
    assert.equal(lazy.signal, lazy.signal);
  });

  for (const when of ["before", "after"] as const) {
    test(`has the first reason, if somebody asked for the signal ${when} the abort`, () => {
      const lazy = new LazyAbort();
      const reason = new Error("lost");
      const early = when === "before" ? lazy.signal : undefined;
      lazy.abort(reason);
      lazy.abort(new Error("again"));
      assert.equal(lazy.signal, early ?? lazy.signal);
      assert.equal(lazy.signal.aborted, true);
      assert.equal(lazy.signal.reason, reason);
    });

    test(`has the platform's own error without a reason, if somebody asked ${when} the abort`, () => {
      const lazy = new LazyAbort();
      if (when === "before") lazy.signal.throwIfAborted();
      lazy.abort();
      assert.equal(lazy.signal.reason.name, "AbortError");
    });
  }
});
