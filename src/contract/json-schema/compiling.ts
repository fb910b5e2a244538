import { invalid } from "../members.ts";
import type { JsonSchema } from "../schema.ts";
import type { Finding } from "./finding.ts";

/** Looks at a value, and says what is wrong with it. */
export type Check = (value: unknown, finding: Finding) => void;

export type Keywords = { readonly [keyword: string]: unknown };

/** Where a schema stands, and what it is part of. */
export interface Compiling {
  readonly root: JsonSchema;
  /** Such as `/properties/path`, for those who read an error. */
  readonly place: string;
  /** What `$ref`s lead to, made once each: a schema may stand in itself. */
  readonly references: Map<string, { check: Check | undefined }>;
}

/** Makes the check of a schema that stands in another. */
export type Compile = (schema: unknown, at: Compiling) => Check;

export function within(at: Compiling, ...keys: readonly (string | number)[]): Compiling {
  return { ...at, place: [at.place, ...keys].join("/") };
}

/** @throws CallerError `ERR_INVALID_ARGUMENT`: what stands there is none that can be checked. */
export function refuse(at: Compiling, what: string): never {
  throw invalid(`in a JSON Schema, at ${at.place === "" ? "its root" : at.place}: ${what}`);
}
