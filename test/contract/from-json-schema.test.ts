import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bytes, contract, exportContract, fromJsonSchema, type JsonSchema, method } from "sealpipe/contract";

function refused(schema: unknown, message: RegExp): void {
  assert.throws(() => fromJsonSchema(schema as JsonSchema), { code: "ERR_INVALID_ARGUMENT", message });
}

const issuesOf = async (schema: JsonSchema, value: unknown, options = {}) =>
  (await fromJsonSchema(schema, options)["~standard"].validate(value)).issues;

describe("a schema that is a JSON Schema", () => {
  test("is refused, with the place, if a keyword cannot be checked or says nothing", () => {
    refused({ properties: { a: { not: {} } } }, /at \/properties\/a: the keyword "not" cannot be checked/);
    refused(undefined, /its root: no object and no boolean/);
    refused([], /no object and no boolean/);
    refused({ type: "any" }, /at \/type: no type "any"/);
    refused({ type: "toString" }, /no type "toString"/);
    refused({ type: [] }, /no type at all/);
    refused({ enum: 5 }, /at \/enum: no list/);
    refused({ minimum: "1" }, /at \/minimum: no number/);
    refused({ multipleOf: 0 }, /at \/multipleOf: no number/);
    refused({ minLength: -1 }, /at \/minLength: no number/);
    refused({ maxItems: 1.5 }, /at \/maxItems: no number/);
    refused({ pattern: "(" }, /at \/pattern: no regular expression/);
    refused({ pattern: 5 }, /at \/pattern: no text/);
    refused({ required: "a" }, /at \/required: no list of texts/);
    refused({ properties: [] }, /at \/properties: no object/);
    refused({ prefixItems: {} }, /at \/prefixItems: no list/);
    refused({ anyOf: [] }, /anyOf is a list with something in it/);
    refused({ oneOf: [true, { items: 5 }] }, /at \/oneOf\/1\/items: no object/);
    refused({ $ref: 5 }, /a \$ref that is no text/);
    refused({ $ref: "other.json" }, /"other.json" is outside of the schema/);
    refused({ $ref: "#/$defs/toString", $defs: {} }, /leads to nothing/);
    assert.throws(() => fromJsonSchema({}, { optional: "yes" as never }), { code: "ERR_INVALID_ARGUMENT" });
  });

  test("takes nothing only if it may", async () => {
    assert.equal(await issuesOf({ type: "string" }, undefined, { optional: true }), undefined);
    assert.equal((await issuesOf({ type: "string" }, undefined))?.length, 1);
  });

  test("takes a property that is undefined for one that is missing, as JSON does", async () => {
    const schema = { type: "object", properties: { a: { type: "string" } }, required: ["a"] };
    assert.deepEqual(await issuesOf(schema, { a: undefined }), [{ message: "it is missing", path: ["a"] }]);
    const strict = { type: "object", additionalProperties: false };
    assert.equal(await issuesOf(strict, { a: undefined }), undefined);
  });

  test("takes neither infinities nor what is no number, and bytes if it says so", async () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY])
      assert.ok(await issuesOf({ type: "number" }, value));
    const binary = { contentMediaType: "application/octet-stream" };
    const inner = { type: "object", properties: { data: binary } };
    assert.equal(await issuesOf(inner, { data: new Uint8Array(1) }), undefined);
    assert.ok(await issuesOf(inner, { data: [1] }));
    assert.equal(fromJsonSchema(binary), bytes);
  });

  test("reports at most 32 issues", async () => {
    const list = { type: "array", items: { type: "string" } };
    assert.equal(
      (
        await issuesOf(
          list,
          Array.from({ length: 1_000 }, () => 5),
        )
      )?.length,
      32,
    );
  });

  test("does not take a property of every object for one of the value's", async () => {
    const schema = {
      type: "object",
      properties: { constructor: { type: "string" } },
      required: ["constructor"],
    };
    assert.deepEqual(await issuesOf(schema, {}), [{ message: "it is missing", path: ["constructor"] }]);
  });

  test("is exported as it was given, so that the hash is that of the file that code was generated from", () => {
    const schema = { type: "object", properties: { a: { type: "string", description: "x" } }, title: "A" };
    const files = contract("files", {
      open: method(1, {
        input: fromJsonSchema<object>(schema, { optional: true }),
        output: fromJsonSchema(true),
      }),
    });
    assert.deepEqual(exportContract(files).members["open"], {
      kind: "method",
      number: 1,
      input: schema,
      output: true,
      optional: ["input", "output"],
    });
  });
});
