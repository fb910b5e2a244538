import type { JsonSchema } from "../schema.ts";
import { type Check, type Compiling, type Keywords, refuse, within } from "./compiling.ts";
import { listChecks } from "./list-checks.ts";
import { objectChecks } from "./object-checks.ts";
import { numberChecks, textChecks, typeCheck, valueCheck } from "./value-checks.ts";

/** Keywords of which checks are made. */
const checked = new Set([
  ...["$ref", "$defs", "type", "enum", "const", "anyOf", "oneOf", "allOf", "contentMediaType"],
  ...["properties", "required", "additionalProperties", "propertyNames", "minProperties", "maxProperties"],
  ...["items", "prefixItems", "minItems", "maxItems", "uniqueItems"],
  ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
  ...["minLength", "maxLength", "pattern"],
]);

/** Those that only describe. */
const describes = new Set([
  ...[
    "$schema",
    "$id",
    "$comment",
    "$anchor",
    "id",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
  ],
  ...["readOnly", "writeOnly", "format", "contentEncoding", "definitions"],
]);

export function compile(schema: JsonSchema): Check {
  return compileAt(schema, { root: schema, place: "", references: new Map() });
}

/** @throws CallerError `ERR_INVALID_ARGUMENT`, which says where. */
function compileAt(schema: unknown, at: Compiling): Check {
  if (schema === true) return () => {};
  if (schema === false) return (_, finding) => finding.add("nothing is taken here");
  const keywords = keywordsOf(schema, at);
  const checks = [
    ...referenceChecks(keywords, at),
    ...typeCheck(keywords, at),
    ...valueCheck(keywords, at),
    ...numberChecks(keywords, at),
    ...textChecks(keywords, at),
    ...objectChecks(keywords, at, compileAt),
    ...listChecks(keywords, at, compileAt),
    ...alternativeChecks(keywords, at),
  ];
  if (checks.length === 1) return checks[0] as Check;
  return (value, finding) => {
    for (const check of checks) check(value, finding);
  };
}

function keywordsOf(schema: unknown, at: Compiling): Keywords {
  if (typeof schema !== "object" || schema === null || Array.isArray(schema))
    refuse(at, "no object and no boolean");
  const stranger = Object.keys(schema).find((key) => !checked.has(key) && !describes.has(key) && !isOwn(key));
  if (stranger !== undefined) refuse(at, `the keyword "${stranger}" cannot be checked`);
  return Object.assign(Object.create(null), schema) as Keywords;
}

/** Extensions have such names. */
function isOwn(keyword: string): boolean {
  return keyword.startsWith("x-");
}

function referenceChecks({ $ref: reference }: Keywords, at: Compiling): Check[] {
  if (reference === undefined) return [];
  if (typeof reference !== "string") refuse(at, "a $ref that is no text");
  const known = at.references.get(reference);
  const found = known ?? { check: undefined };
  if (known === undefined) {
    at.references.set(reference, found);
    found.check = compileAt(lookUp(reference, at), { ...at, place: reference.replace(/^#/, "") });
  }
  return [(value, finding) => found.check?.(value, finding)];
}

/** `#`, `#/$defs/Name` and the like, in the schema itself. */
function lookUp(reference: string, at: Compiling): unknown {
  if (reference !== "#" && !reference.startsWith("#/")) refuse(at, `"${reference}" is outside of the schema`);
  let current: unknown = at.root;
  for (const part of reference.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (!Object.hasOwn(Object(current), key)) refuse(at, `"${reference}" leads to nothing`);
    current = (current as Keywords)[key];
  }
  return current;
}

function alternativeChecks(keywords: Keywords, at: Compiling): Check[] {
  const checks: Check[] = [];
  for (const keyword of ["anyOf", "oneOf", "allOf"] as const) {
    const given = keywords[keyword];
    if (given === undefined) continue;
    if (!Array.isArray(given) || given.length === 0) refuse(at, `${keyword} is a list with something in it`);
    const alternatives = given.map((schema, index) => compileAt(schema, within(at, keyword, index)));
    checks.push(keyword === "allOf" ? all(alternatives) : oneOf(alternatives, keyword === "oneOf"));
  }
  return checks;
}

function all(checks: readonly Check[]): Check {
  return (value, finding) => {
    for (const check of checks) check(value, finding);
  };
}

function oneOf(checks: readonly Check[], exactly: boolean): Check {
  return (value, finding) => {
    let fits = 0;
    for (const check of checks) {
      const found = finding.apart();
      check(value, found);
      if (found.issues.length === 0) fits += 1;
      if (fits > 0 && !exactly) return;
    }
    if (fits === 0) finding.add("it fits none of the alternatives");
    if (fits > 1) finding.add("it fits more than one of the alternatives");
  };
}
