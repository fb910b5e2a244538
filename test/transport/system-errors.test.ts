import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runInNewContext } from "node:vm";
import { codeOf, hasCode, isError, messageOf } from "#dist/transport/system-errors.js";

const makers = {
  "this realm": (): unknown => Object.assign(new Error("no such file"), { code: "ENOENT" }),
  "another realm": (): unknown =>
    runInNewContext(`Object.assign(new Error("no such file"), { code: "ENOENT" })`),
};

for (const [realm, make] of Object.entries(makers)) {
  describe(`an error of ${realm}`, () => {
    test("is one, and has its code and message", () => {
      assert.equal(isError(make()), true);
      assert.equal(codeOf(make()), "ENOENT");
      assert.equal(hasCode(make(), "ENOENT"), true);
      assert.equal(hasCode(make(), "EEXIST"), false);
      assert.equal(messageOf(make()), "no such file");
    });
  });
}

describe("what is no error of the system's", () => {
  test("has no code", () => {
    for (const other of [new Error("ENOENT"), { code: "ENOENT" }, "ENOENT", null, undefined]) {
      assert.equal(codeOf(other), undefined);
      assert.equal(hasCode(other, "ENOENT"), false);
    }
    assert.equal(codeOf(Object.assign(new Error("a number"), { code: 5 })), undefined);
  });

  test("is shown as it is", () => {
    assert.equal(messageOf("just words"), "just words");
    assert.equal(messageOf(undefined), "undefined");
    assert.equal(isError({ message: "no name" }), false);
  });
});
