import { isUint8Array } from "node:util/types";
import { bytes } from "../bytes.ts";
import { invalid } from "../members.ts";
import type { JsonSchema, Schema, SchemaIssue } from "../schema.ts";
import { compile } from "./compile.ts";
import { Finding } from "./finding.ts";

/** A value without a schema of its own in the contract's document: it may be left out. */
export interface FromJsonSchemaOptions {
  /** Whether there may be nothing at all, which no JSON Schema can say. Default `false`. */
  readonly optional?: boolean | undefined;
}

/**
 * A schema for contracts that is a JSON Schema (2020-12), as `sealpipe contract generate --typescript` writes it. `T` is the type of
 * the data that fit, which nothing compares with the JSON Schema. `format` and what else only describes is not looked at.
 *
 * @param schema Of what spec/contracts.md lists under "Generated code".
 * @throws CallerError `ERR_INVALID_ARGUMENT` for a keyword that this cannot check, and for what is no JSON Schema; it says where.
 *
 * @example
 * ```ts
 * import { contract, exportContract, fromJsonSchema, method } from "sealpipe/contract";
 *
 * const path = fromJsonSchema<string>({ type: "string", minLength: 1 });
 * const files = contract("files", { size: method(1, { input: path, output: fromJsonSchema<number>({ type: "integer" }) }) });
 * console.log(JSON.stringify(exportContract(files).members["size"]?.kind)); // "method"
 * ```
 */
export function fromJsonSchema<T>(schema: JsonSchema, options: FromJsonSchemaOptions = {}): Schema<T> {
  const { optional = false } = options;
  if (typeof optional !== "boolean") throw invalid("the option `optional` is true or false");
  if (!optional && isBytesAlone(schema)) return bytes as Schema<unknown> as Schema<T>;
  const check = compile(schema);
  const given = () => schema;
  return Object.freeze({
    "~standard": Object.freeze({
      version: 1 as const,
      vendor: "sealpipe",
      validate(value: unknown): { readonly value: T } | { readonly issues: readonly SchemaIssue[] } {
        if (optional && value === undefined) return { value: value as T };
        const finding = new Finding();
        check(value, finding);
        return finding.issues.length === 0 ? { value: value as T } : { issues: finding.issues };
      },
      jsonSchema: Object.freeze({ input: given, output: given }),
    }),
  });
}

function isBytesAlone(schema: JsonSchema): boolean {
  if (typeof schema !== "object" || schema === null || isUint8Array(schema)) return false;
  return Object.keys(schema).length === 1 && schema["contentMediaType"] === "application/octet-stream";
}
