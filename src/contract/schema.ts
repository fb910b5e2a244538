/** What a schema found wrong, and where. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined;
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/**
 * A schema of any library that follows Standard Schema v1 (https://standardschema.dev), such as zod, valibot and arktype.
 * `Input` is what it takes, which is what goes over the wire; `Output` is what it makes of that.
 */
export interface Schema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** A JSON Schema. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

/** What a library that has Standard JSON Schema besides has in `~standard`. */
interface WithJsonSchema {
  readonly jsonSchema?: { readonly input?: (options: { readonly target: string }) => unknown };
}

export type InputOf<S extends Schema> = NonNullable<S["~standard"]["types"]>["input"];
export type OutputOf<S extends Schema> = NonNullable<S["~standard"]["types"]>["output"];

export function isSchema(value: unknown): value is Schema {
  const standard: unknown = (Object(value) as Partial<Schema>)["~standard"];
  const { version, validate } = Object(standard) as Partial<Schema["~standard"]>;
  return version === 1 && typeof validate === "function";
}

/** The JSON Schema 2020-12 of what the schema takes; `undefined` if it has none, as for a function of the program's own. */
export function jsonSchemaOf(schema: Schema): JsonSchema | undefined {
  const { jsonSchema } = schema["~standard"] as WithJsonSchema;
  if (typeof jsonSchema?.input !== "function") return undefined;
  try {
    const made = jsonSchema.input({ target: "draft-2020-12" });
    return isJsonSchema(made) ? made : undefined;
  } catch {
    // Of a date, say, there is none.
    return undefined;
  }
}

export function isJsonSchema(value: unknown): value is JsonSchema {
  return typeof value === "boolean" || (typeof value === "object" && value !== null && !Array.isArray(value));
}
