import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PeerError } from "sealpipe";
import { decodeDescription, encodeDescription } from "#dist/endpoint/admin/description.js";

const description = {
  library: "sealpipe/test",
  application: "a",
  applicationVersion: "1",
  codec: "json",
  pid: 5,
  contracts: [{ name: "n", version: "2", hash: new Uint8Array(32).fill(0xab) }],
  requests: [1],
  streams: [],
  connections: 3,
  uptimeMs: 0,
};
const text = encodeDescription(description);

describe("a description", () => {
  test("is read as it was written, and members that are not known are ignored", () => {
    assert.deepEqual(decodeDescription(text), description);
    const more = JSON.stringify({ ...JSON.parse(text), isNew: true });
    assert.deepEqual(decodeDescription(more), description);
  });

  const wrong: Record<string, readonly unknown[]> = {
    library: [5, null],
    application: [[], undefined],
    applicationVersion: [{}],
    codec: [true],
    pid: [-1, 1.5, "5", 2 ** 53],
    contracts: [
      {},
      [5],
      [null],
      [{ name: "n", version: "2", hash: "AB".repeat(32) }],
      [{ name: "n", version: "2", hash: "ab" }],
    ],
    requests: [{}, ["1"], [-1], "1"],
    streams: [null],
    connections: [null],
    uptimeMs: ["0"],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      test(`is refused with ${name} as ${JSON.stringify(value)}`, () => {
        const changed = JSON.stringify({ ...JSON.parse(text), [name]: value });
        assert.throws(
          () => decodeDescription(changed),
          (error) => error instanceof PeerError && error.code === "ERR_DESCRIPTION_INVALID",
        );
      });
    }
  }

  for (const nonsense of ["", "null", "5", "[]", "{", '"text"', '{"__proto__": {"library": "x"}}']) {
    test(`is not ${JSON.stringify(nonsense)}`, () => {
      assert.throws(() => decodeDescription(nonsense), { code: "ERR_DESCRIPTION_INVALID" });
    });
  }
});
