import type { JsonSchema } from "../contract/schema.ts";
import { type Keywords, keywordsOf } from "./keywords.ts";
import { notExpressible } from "./not-expressible.ts";

/** It leads somewhere: the schema was compiled before. */
export function lookUp(root: JsonSchema, reference: string): unknown {
  const parts = reference.split("/").slice(1);
  const keys = parts.map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  return keys.reduce<unknown>((current, key) => keywordsOf(current)[key], root);
}

/** The schema that it comes to after all of its `$ref`s. */
export function followed(schema: unknown, root: JsonSchema): unknown {
  let current = schema;
  for (let steps = 0; steps < 32; steps++) {
    const reference = keywordsOf(current)["$ref"];
    if (typeof reference !== "string") return current;
    current = lookUp(root, reference);
  }
  return current;
}

export function usesReferences(schema: Keywords): boolean {
  return JSON.stringify(schema).includes('"$ref":');
}

/** Objects whose conditions hold all at once (`allOf`), as one. */
export function merged(
  schema: Keywords,
  { place, root }: { readonly place: string; readonly root: JsonSchema },
): Keywords {
  const { allOf, ...own } = schema;
  const parts = (allOf as unknown[]).map((each) => keywordsOf(followed(each, root)));
  if (
    parts.length === 1 &&
    Object.keys(own).every((key) => ["$schema", "title", "description"].includes(key))
  )
    return { ...parts[0], ...own };
  const all = [own, ...parts].filter((part) => Object.keys(part).length > 0);
  const isObject = (part: Keywords) => part["type"] === "object" || part["properties"] !== undefined;
  const stranger = all.flatMap((part) => Object.keys(part)).find((key) => !mergeable.has(key));
  if (!all.every(isObject) || stranger !== undefined)
    throw notExpressible(place, "several schemas at once (allOf) that are not all plain objects");
  return {
    ...own,
    type: "object",
    properties: Object.assign({}, ...all.map((part) => keywordsOf(part["properties"]))),
    required: all.flatMap((part) => (part["required"] ?? []) as string[]),
  };
}

const mergeable = new Set([
  "$schema",
  "type",
  "title",
  "description",
  "properties",
  "required",
  "additionalProperties",
]);
