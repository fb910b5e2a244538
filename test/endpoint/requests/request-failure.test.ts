import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { runInNewContext } from "node:vm";
import { failureOf, noHandler } from "#dist/endpoint/requests/request-failure.js";
import { CallerError } from "#dist/errors.js";

function errorWith(properties: object): Error {
  return Object.assign(new Error("the disk is full"), properties);
}

describe("what the peer is told of a handler's error", () => {
  for (const { thrown, code, message } of [
    { thrown: errorWith({ code: "DISK_FULL" }), code: "DISK_FULL", message: "the disk is full" },
    { thrown: errorWith({ code: "A".repeat(64) }), code: "A".repeat(64), message: "the disk is full" },
    { thrown: errorWith({}), code: "ERR_HANDLER_FAILED", message: "the disk is full" },
    { thrown: errorWith({ code: 28 }), code: "ERR_HANDLER_FAILED", message: "the disk is full" },
    { thrown: errorWith({ code: "disk full" }), code: "ERR_HANDLER_FAILED", message: "the disk is full" },
    { thrown: errorWith({ code: "A".repeat(65) }), code: "ERR_HANDLER_FAILED", message: "the disk is full" },
    { thrown: new CallerError("ERR_CLOSED", "it is closed"), code: "ERR_CLOSED", message: "it is closed" },
    { thrown: new DOMException("stopped", "AbortError"), code: "ERR_HANDLER_FAILED", message: "stopped" },
    { thrown: "a string", code: "ERR_HANDLER_FAILED", message: "a string" },
  ]) {
    test(`is ${code} and its message, of ${inspect(thrown).split("\n")[0]}`, () => {
      assert.deepEqual(failureOf(thrown, false), { code, message });
    });
  }

  test("is the same for an error of another realm", () => {
    const thrown: unknown = runInNewContext('Object.assign(new Error("elsewhere"), { code: "E" })');
    assert.equal(thrown instanceof Error, false);
    assert.deepEqual(failureOf(thrown, false), { code: "E", message: "elsewhere" });
  });

  const spiteful = {
    get message(): string {
      throw new Error("no");
    },
  };
  for (const thrown of [undefined, null, 5, {}, { message: 5 }, () => {}, spiteful]) {
    test(`says that there is no message in ${inspect(thrown, { getters: false })}`, () => {
      assert.deepEqual(failureOf(thrown, true), {
        code: "ERR_HANDLER_FAILED",
        message: "the handler threw something that has no message",
      });
    });
  }

  test("names no place in the code, unless that is asked for", () => {
    const thrown = new Error("the disk\nis full");
    assert.equal(failureOf(thrown, false).message, "the disk\nis full");
    const { message } = failureOf(thrown, true);
    assert.match(message, /^the disk\nis full\n {4}at /);
    assert.ok(message.includes("request-failure.test"));
  });

  test("is the message alone if the error has no stack", () => {
    for (const stack of [undefined, "", "Error: the disk is full"]) {
      assert.equal(failureOf(errorWith({ stack }), true).message, "the disk is full");
    }
  });
});

test("if nobody handles a type, the peer learns which", () => {
  assert.deepEqual(noHandler(5), { code: "ERR_NO_HANDLER", message: "nobody handles requests of type 5" });
});
