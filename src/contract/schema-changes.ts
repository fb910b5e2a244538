import type { JsonSchema } from "./schema.ts";

/** Whether every value of one JSON Schema fits another, as far as that can be told for sure. */

type Keywords = { readonly [keyword: string]: unknown };

interface Side {
  readonly schema: unknown;
  /** What its `$ref`s are looked up in. */
  readonly root: unknown;
}

/** Deeper than schemas of data are, and more: a description may come from a peer. */
const maxDepth = 64;
const maxComparisons = 20_000;

/**
 * What somebody who sends values of `sent` may send that somebody who takes `taken` refuses: in words, by place. Empty if
 * there is nothing of which this is sure.
 */
export function misfits(sent: JsonSchema, taken: JsonSchema): string[] {
  const place = { path: "", depth: 0, budget: { left: maxComparisons }, within: new Map() };
  return unique(compare({ schema: sent, root: sent }, { schema: taken, root: taken }, place));
}

interface Place {
  readonly path: string;
  readonly depth: number;
  /** One for the whole comparison: alternatives within alternatives are many. */
  readonly budget: { left: number };
  /** The pairs of references that this stands in: what such a pair has within itself is told already. */
  readonly within: ReadonlyMap<unknown, unknown>;
}

function compare(outerSent: Side, outerTaken: Side, outer: Place): string[] {
  const sentSide = followed(outerSent);
  const takenSide = followed(outerTaken);
  if (sentSide === undefined || takenSide === undefined) return [];
  if (outer.within.get(sentSide.schema) === takenSide.schema) return [];
  const within = new Map(outer.within).set(sentSide.schema, takenSide.schema);
  return compareFollowed(sentSide, takenSide, { ...outer, within });
}

function compareFollowed(sentSide: Side, takenSide: Side, place: Place): string[] {
  const sent = resolved(sentSide);
  const taken = resolved(takenSide);
  // Deep enough, which an endless one is at some time, or without a word about what there may be.
  place.budget.left -= 1;
  if (place.depth > maxDepth || place.budget.left < 0 || sent === undefined || taken === undefined) return [];
  if (taken === false) return sent === false ? [] : [`${nameOf(place)} is refused`];
  if (typeof sent === "boolean" || typeof taken === "boolean") return [];
  const alternatives = alternativesOf(sent);
  if (alternatives !== undefined) {
    return alternatives.flatMap((schema) => compare({ ...sentSide, schema }, takenSide, deeper(place)));
  }
  const offered = alternativesOf(taken);
  if (offered !== undefined) return compareToAny(sentSide, { ...takenSide, schema: taken }, place);
  return compareKeywords({ ...sentSide, schema: sent }, { ...takenSide, schema: taken }, place);
}

function compareToAny(sentSide: Side, takenSide: Side, place: Place): string[] {
  const reasons = (alternativesOf(takenSide.schema as Keywords) ?? []).map((schema) =>
    compare(sentSide, { ...takenSide, schema }, deeper(place)),
  );
  if (reasons.some((each) => each.length === 0)) return [];
  return reasons.length === 1 ? (reasons[0] as string[]) : [`${nameOf(place)} fits none of the alternatives`];
}

function compareKeywords(sentSide: Side, takenSide: Side, place: Place): string[] {
  const sent = sentSide.schema as Keywords;
  const taken = takenSide.schema as Keywords;
  const values = valuesOf(taken);
  const sentValues = valuesOf(sent);
  if (values !== undefined) {
    if (sentValues === undefined)
      return "type" in sent ? [`${nameOf(place)} may be any ${String(sent["type"])}`] : [];
    const strangers = sentValues.filter((value) => !values.includes(value));
    return strangers.map((value) => `${nameOf(place)} may be ${value}`);
  }
  const types = typesOf(taken);
  const strangers = [...typesOf(sent)].filter((type) => types.size > 0 && !accepts(types, type));
  if (strangers.length > 0) return strangers.map((type) => `${nameOf(place)} may be ${article(type)}`);
  return [
    ...compareBounds(sent, taken, place),
    ...compareObjects(sentSide, takenSide, place),
    ...compareLists(sentSide, takenSide, place),
  ];
}

/** By keyword: whether the bound of what is sent is within that of what is taken. */
const lower = ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"];
const upper = ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"];
const same = ["pattern", "format", "multipleOf", "uniqueItems", "contentEncoding", "contentMediaType"];

function compareBounds(sent: Keywords, taken: Keywords, place: Place): string[] {
  if (valuesOf(sent) !== undefined) return [];
  const wider = (keyword: string, isWider: (mine: number, theirs: number) => boolean): boolean => {
    const theirs = taken[keyword];
    if (typeof theirs !== "number") return false;
    const mine = sent[keyword];
    return typeof mine !== "number" || isWider(mine, theirs);
  };
  const keywords = [
    ...lower.filter((keyword) => wider(keyword, (mine, theirs) => mine < theirs)),
    ...upper.filter((keyword) => wider(keyword, (mine, theirs) => mine > theirs)),
    ...same.filter((keyword) => taken[keyword] !== undefined && taken[keyword] !== sent[keyword]),
  ];
  return keywords.map(
    (keyword) => `${nameOf(place)} is not held to ${keyword} ${JSON.stringify(taken[keyword])}`,
  );
}

function compareObjects(sentSide: Side, takenSide: Side, place: Place): string[] {
  const sent = sentSide.schema as Keywords;
  const taken = takenSide.schema as Keywords;
  if (!typesOf(sent).has("object")) return [];
  const sentProperties = keywordsOf(sent["properties"]);
  const takenProperties = keywordsOf(taken["properties"]);
  const always = listOf(sent["required"]);
  const missing = listOf(taken["required"]).filter((key) => !always.includes(key));
  const inner = (key: string): Place => deeper({ ...place, path: `${place.path}.${key}` });
  const closed = taken["additionalProperties"] === false && taken["patternProperties"] === undefined;
  return [
    ...missing.map((key) => `${nameOf(inner(String(key)))} may be missing`),
    ...Object.keys(sentProperties).flatMap((key) => {
      if (!Object.hasOwn(takenProperties, key))
        return closed ? [`${nameOf(inner(key))} is not expected`] : [];
      return compare(
        { ...sentSide, schema: sentProperties[key] },
        { ...takenSide, schema: takenProperties[key] },
        inner(key),
      );
    }),
    ...compareInner({ sentSide, takenSide, keyword: "additionalProperties" }, inner("*")),
  ];
}

function compareLists(sentSide: Side, takenSide: Side, place: Place): string[] {
  const sent = sentSide.schema as Keywords;
  const taken = takenSide.schema as Keywords;
  const inner = (key: string): Place => deeper({ ...place, path: `${place.path}[${key}]` });
  const takenFirst = listOf(taken["prefixItems"]);
  const first = listOf(sent["prefixItems"]).slice(0, takenFirst.length);
  return [
    ...first.flatMap((schema, index) =>
      compare({ ...sentSide, schema }, { ...takenSide, schema: takenFirst[index] }, inner(String(index))),
    ),
    ...compareInner({ sentSide, takenSide, keyword: "items" }, inner("")),
  ];
}

/** What holds for all others in it, if both say something of them. */
function compareInner(
  { sentSide, takenSide, keyword }: { sentSide: Side; takenSide: Side; keyword: string },
  place: Place,
): string[] {
  const sent = (sentSide.schema as Keywords)[keyword];
  const taken = (takenSide.schema as Keywords)[keyword];
  if (sent === undefined || sent === false || taken === undefined || taken === false) return [];
  return compare({ ...sentSide, schema: sent }, { ...takenSide, schema: taken }, place);
}

/** Without its `$ref`s; `undefined` if that cannot be told. */
function followed(side: Side): Side | undefined {
  let current = side.schema;
  for (let steps = 0; steps < maxDepth; steps++) {
    if (typeof current !== "object" || current === null) return { ...side, schema: current };
    const reference: unknown = (current as Keywords)["$ref"];
    if (reference === undefined) return { ...side, schema: current };
    if (typeof reference !== "string") return undefined;
    current = lookUp(side.root, reference);
  }
  return undefined;
}

/** With its `allOf` in it; `undefined` if it is no schema. */
function resolved({ schema }: Side): boolean | Keywords | undefined {
  if (typeof schema === "boolean") return schema;
  if (typeof schema !== "object" || schema === null) return undefined;
  return withAllOf(schema as Keywords);
}

function withAllOf(schema: Keywords): Keywords {
  const parts = listOf(schema["allOf"]).map(keywordsOf);
  if (parts.length === 0) return schema;
  const all = [schema, ...parts];
  return {
    ...Object.assign({}, ...parts, schema),
    properties: Object.assign({}, ...all.map(({ properties }) => keywordsOf(properties))),
    required: all.flatMap(({ required }) => listOf(required)),
  };
}

/** `#/$defs/Name` and the like, in the schema itself. */
function lookUp(root: unknown, reference: string): unknown {
  if (reference === "#") return root;
  if (!reference.startsWith("#/")) return undefined;
  let current = root;
  for (const part of reference.slice(2).split("/")) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    const inner = keywordsOf(current);
    current = Object.hasOwn(inner, key) ? inner[key] : undefined;
  }
  return current;
}

function alternativesOf(schema: Keywords): readonly unknown[] | undefined {
  const alternatives = schema["anyOf"] ?? schema["oneOf"];
  return Array.isArray(alternatives) && alternatives.length > 0 ? alternatives : undefined;
}

/** The only values that there are, as JSON. */
function valuesOf(schema: Keywords): readonly string[] | undefined {
  return listedIn(schema)?.map((value) => String(JSON.stringify(value)));
}

function listedIn(schema: Keywords): readonly unknown[] | undefined {
  if (Array.isArray(schema["enum"])) return schema["enum"];
  return "const" in schema ? [schema["const"]] : undefined;
}

/** Empty if the schema does not say. */
function typesOf(schema: Keywords): Set<string> {
  const { type } = schema as { readonly type?: unknown };
  if (type === undefined) return new Set(listedIn(schema)?.map(typeOf));
  const types = Array.isArray(type) ? type : [type];
  return new Set(types.filter((each): each is string => typeof each === "string"));
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function accepts(types: ReadonlySet<string>, type: string): boolean {
  return types.has(type) || (type === "integer" && types.has("number"));
}

function keywordsOf(value: unknown): Keywords {
  return typeof value === "object" && value !== null ? (value as Keywords) : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function unique(reasons: string[]): string[] {
  return [...new Set(reasons)];
}

function deeper(place: Place): Place {
  return { ...place, depth: place.depth + 1 };
}

function nameOf({ path }: Place): string {
  return path === "" ? "it" : path.replace(/^\./, "");
}

function article(type: string): string {
  return type === "null" ? "null" : `${/^[aeiou]/.test(type) ? "an" : "a"} ${type}`;
}
