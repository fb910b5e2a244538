import { pascal } from "./names.ts";

/** A schema that is an object, not `true` or `false`. */
export type Keywords = { readonly [keyword: string]: unknown };

export function keywordsOf(value: unknown): Keywords {
  return typeof value === "object" && value !== null ? (value as Keywords) : {};
}

/** The values that it lists, if it lists any. */
export function valuesOf(schema: Keywords): readonly unknown[] | undefined {
  if (Array.isArray(schema["enum"])) return schema["enum"];
  return "const" in schema ? [schema["const"]] : undefined;
}

/** The key at which each alternative has a text of its own that it must have. */
export function tagOf(alternatives: readonly Keywords[]): string | undefined {
  const keys = Object.keys(keywordsOf(alternatives[0]?.["properties"]));
  return keys.find((key) => {
    const values = alternatives.map((each) => tagValueOf(each, key));
    return values.every((value) => typeof value === "string") && new Set(values).size === values.length;
  });
}

/** The one value that it must have at the key, if there is only one. */
export function tagValueOf(alternative: Keywords, key: string): unknown {
  const required = (alternative["required"] ?? []) as readonly unknown[];
  if (alternative["type"] !== "object" || !required.includes(key)) return undefined;
  const values = valuesOf(keywordsOf(keywordsOf(alternative["properties"])[key]));
  return values?.length === 1 ? values[0] : undefined;
}

/** Its title as a type's name, if it can be one. */
export function titleOf(schema: Keywords): string | undefined {
  const title = schema["title"] ?? schema["id"];
  if (typeof title !== "string" || title.length > 64) return undefined;
  const name = pascal(title);
  return /^[A-Z][A-Za-z0-9]*$/.test(name) ? name : undefined;
}

export function descriptionOf({ description }: Keywords): string | undefined {
  return typeof description === "string" && description !== "" ? description : undefined;
}

export function isEmpty(schema: unknown): boolean {
  return typeof schema === "object" && schema !== null && Object.keys(schema).length === 0;
}
