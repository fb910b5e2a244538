import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { JsonSchema } from "sealpipe/contract";
import { misfits } from "#dist/contract/schema-changes.js";

const string = { type: "string" };
const number = { type: "number" };
const integer = { type: "integer" };
const closed = { type: "object", properties: { a: string }, required: ["a"], additionalProperties: false };
const list = {
  $ref: "#/$defs/List",
  $defs: {
    List: { type: "object", properties: { next: { anyOf: [{ $ref: "#/$defs/List" }, { type: "null" }] } } },
  },
};

/** What is sent, what is taken, and what of it is refused. */
const cases: [JsonSchema, JsonSchema, string[]][] = [
  [string, string, []],
  [string, true, []],
  [true, string, []],
  [{}, string, []],
  [string, {}, []],
  [string, false, ["it is refused"]],
  [string, number, ["it may be a string"]],
  [integer, number, []],
  [number, integer, ["it may be a number"]],
  [{ type: ["string", "null"] }, string, ["it may be null"]],
  [string, { type: ["string", "null"] }, []],
  [{ enum: ["a", 1] }, { enum: ["a", 1, 2] }, []],
  [{ enum: ["a", 1] }, { enum: ["a"] }, ["it may be 1"]],
  [{ const: "a" }, string, []],
  [{ const: "a" }, number, ["it may be a string"]],
  [{ enum: [null, [1], {}] }, { type: ["null", "array", "object"] }, []],
  [string, { const: "a" }, ["it may be any string"]],
  [{}, { const: "a" }, []],
  [{ anyOf: [string, number] }, { anyOf: [number, string, integer] }, []],
  [{ anyOf: [string, number] }, string, ["it may be a number"]],
  [{ oneOf: [string, number] }, { anyOf: [string, integer] }, ["it fits none of the alternatives"]],
  [string, { anyOf: [number, integer] }, ["it fits none of the alternatives"]],
  [string, { anyOf: [number] }, ["it may be a string"]],
  [closed, { type: "object", properties: { a: string } }, []],
  [{ type: "object", properties: { a: string } }, closed, ["a may be missing"]],
  [{ type: "object", properties: { a: string, b: string }, required: ["a"] }, closed, ["b is not expected"]],
  [{ type: "object", properties: { a: number }, required: ["a"] }, closed, ["a may be a number"]],
  [
    {
      type: "object",
      properties: { a: { type: "object", properties: { b: { type: "array", items: number } } } },
    },
    {
      type: "object",
      properties: { a: { type: "object", properties: { b: { type: "array", items: string } } } },
    },
    ["a.b[] may be a number"],
  ],
  [
    { type: "object", additionalProperties: number },
    { type: "object", additionalProperties: string },
    ["* may be a number"],
  ],
  [
    { type: "array", prefixItems: [string, number] },
    { type: "array", prefixItems: [string, string] },
    ["[1] may be a number"],
  ],
  [{ type: "string", maxLength: 5 }, { type: "string", maxLength: 6 }, []],
  [{ type: "string", maxLength: 7 }, { type: "string", maxLength: 6 }, ["it is not held to maxLength 6"]],
  [string, { type: "string", minLength: 1 }, ["it is not held to minLength 1"]],
  [{ type: "number", minimum: 2 }, { type: "number", minimum: 1 }, []],
  [{ type: "number", minimum: 0 }, { type: "number", minimum: 1 }, ["it is not held to minimum 1"]],
  [string, { type: "string", pattern: "a" }, ['it is not held to pattern "a"']],
  [{ type: "string", pattern: "a" }, { type: "string", pattern: "a" }, []],
  [{ allOf: [string, { maxLength: 3 }] }, { type: "string", maxLength: 3 }, []],
  [{ allOf: [closed, { required: ["b"] }] }, { type: "object", required: ["a", "b"] }, []],
  [list, list, []],
  [{ $ref: "#/$defs/none" }, string, []],
  [{ $ref: "elsewhere" }, string, []],
  [{ $ref: "#" }, string, []],
  [{ $ref: "#/$defs/__proto__" }, string, []],
  [{ $defs: { "a/b": number }, $ref: "#/$defs/a~1b" }, string, ["it may be a number"]],
];

describe("what one JSON Schema allows and another refuses", () => {
  for (const [sent, taken, expected] of cases) {
    test(`${JSON.stringify(sent)} sent, ${JSON.stringify(taken)} taken`, () => {
      assert.deepEqual(misfits(sent, taken), expected);
    });
  }

  test("is found in a bounded time, whatever a peer makes up", () => {
    const wide: Record<string, unknown> = {};
    for (let depth = 0; depth < 60; depth++) {
      const next = { $ref: `#/$defs/d${depth + 1}` };
      wide[`d${depth}`] = { anyOf: [next, next, next], type: "object", properties: { a: next, b: next } };
    }
    const hostile = { $ref: "#/$defs/d0", $defs: wide };
    assert.deepEqual(misfits(hostile, hostile), []);
    let deep: JsonSchema = number;
    for (let depth = 0; depth < 10_000; depth++) deep = { type: "array", items: deep };
    assert.deepEqual(misfits(deep, deep), []);
    for (const odd of [
      null,
      5,
      "x",
      [],
      { type: 5, enum: {}, required: 7, properties: [], anyOf: 3, allOf: 5 },
    ]) {
      assert.deepEqual(misfits(odd as never, odd as never), []);
    }
  });
});
