import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CallerError, errorCodes, PeerError, RemoteError, SealpipeError, SystemError } from "#dist/errors.js";

const examples = [
  {
    error: new CallerError("ERR_CLOSED", "closed"),
    fault: "caller",
    name: "CallerError",
    code: "ERR_CLOSED",
  },
  {
    error: new PeerError("ERR_CONNECTION_LOST", "lost"),
    fault: "peer",
    name: "PeerError",
    code: "ERR_CONNECTION_LOST",
  },
  {
    error: new SystemError("ERR_LISTEN_FAILED", "failed"),
    fault: "system",
    name: "SystemError",
    code: "ERR_LISTEN_FAILED",
  },
] as const;

for (const { error, fault, name, code } of examples) {
  describe(`a ${name}`, () => {
    test("is an error of the library's and of the language's", () => {
      assert.ok(error instanceof SealpipeError);
      assert.ok(error instanceof Error);
    });

    test("says its code and whose fault it is, as the table has it", () => {
      assert.equal(error.code, code);
      assert.equal(error.fault, fault);
      assert.equal(errorCodes[code], fault);
    });

    test("has its class's name, if the language has that of its own errors", () => {
      assert.equal(error.name, name);
      assert.equal(String(error), `${name}: ${error.message}`);
      assert.match(error.stack ?? "", new RegExp(`^${name}: `));
      assert.deepEqual(Object.keys(error).sort(), ["code", "fault"]);
    });
  });
}

describe("a RemoteError", () => {
  const error = new RemoteError("NO_SUCH_USER", "there is no user 7");

  test("has the code and message of the other program's error, and is the peer's fault", () => {
    assert.ok(error instanceof SealpipeError);
    assert.equal(error.code, "NO_SUCH_USER");
    assert.equal(error.fault, "peer");
    assert.equal(String(error), "RemoteError: there is no user 7");
    assert.deepEqual(Object.keys(error).sort(), ["code", "data", "fault"]);
  });

  test("has the bytes of the other program's error, and a cause, if there are any", () => {
    assert.equal(error.data.length, 0);
    const data = Uint8Array.of(1, 2);
    const cause = new Error("why");
    const other = new RemoteError("NO", "no", { data, cause });
    assert.equal(other.data, data);
    assert.equal(other.cause, cause);
    assert.equal("cause" in error, false);
  });

  test("is none of this end's own", () => {
    assert.equal(error instanceof PeerError, false);
    assert.equal(error instanceof CallerError, false);
  });
});

describe("an error's cause", () => {
  const cause = new Error("EACCES");

  test("is the one that was given", () => {
    assert.equal(new CallerError("ERR_CLOSED", "", { cause }).cause, cause);
    assert.equal(new PeerError("ERR_CONNECTION_LOST", "", { cause }).cause, cause);
    assert.equal(new SystemError("ERR_LISTEN_FAILED", "", { cause }).cause, cause);
  });

  test("is not there if none was given", () => {
    for (const { error } of examples) assert.equal("cause" in error, false);
  });
});

describe("the table of codes", () => {
  test("has codes that read as Node's do", () => {
    for (const code of Object.keys(errorCodes)) assert.match(code, /^ERR(_[A-Z]+)+$/);
  });

  test("stands in order: by fault, then by code", () => {
    const faults = ["caller", "peer", "system"];
    const sorted = Object.entries(errorCodes).sort(
      ([a, faultA], [b, faultB]) => faults.indexOf(faultA) - faults.indexOf(faultB) || a.localeCompare(b),
    );
    assert.deepEqual(Object.entries(errorCodes), sorted);
  });
});
