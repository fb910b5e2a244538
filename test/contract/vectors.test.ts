import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { fromJsonSchema, type JsonSchema, type SchemaIssue } from "sealpipe/contract";
import { misfits } from "#dist/contract/schema-changes.js";

interface DataVector {
  readonly name: string;
  readonly schema: JsonSchema;
  readonly data: string;
  readonly issues: readonly { readonly path: readonly unknown[]; readonly message: string }[];
}

interface ChangeVector {
  readonly name: string;
  readonly sent: JsonSchema;
  readonly taken: JsonSchema;
  readonly reasons: readonly string[];
}

function load<V>(file: string): readonly V[] {
  const { vectors } = JSON.parse(
    readFileSync(new URL(`../../../spec/vectors/${file}`, import.meta.url), "utf8"),
  );
  assert.ok(vectors.length > 0);
  return vectors;
}

const texts = (issues: readonly SchemaIssue[]) =>
  issues.map(({ path, message }) => JSON.stringify({ path, message })).sort();

describe("spec/vectors/contract-data.json", () => {
  for (const { name, schema, data, issues } of load<DataVector>("contract-data.json")) {
    test(name, async () => {
      const result = await fromJsonSchema(schema)["~standard"].validate(JSON.parse(data));
      assert.deepEqual(texts(result.issues ?? []), texts(issues as readonly SchemaIssue[]));
    });
  }
});

describe("spec/vectors/contract-changes.json", () => {
  for (const { name, sent, taken, reasons } of load<ChangeVector>("contract-changes.json")) {
    test(name, () => assert.deepEqual(misfits(sent, taken).sort(), [...reasons].sort()));
  }
});
