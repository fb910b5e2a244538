import { isUint8Array } from "node:util/types";
import { canonicalJson } from "./canonical-json.ts";
import { type Check, type Compiling, type Keywords, refuse, within } from "./compiling.ts";
import { patternOf } from "./pattern.ts";

const isOfType: Readonly<Record<string, (value: unknown) => boolean>> = {
  null: (value) => value === null,
  boolean: (value) => typeof value === "boolean",
  string: (value) => typeof value === "string",
  number: (value) => Number.isFinite(value),
  integer: (value) => Number.isInteger(value),
  array: Array.isArray,
  object: isObject,
};

export function isObject(value: unknown): value is Keywords {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

export function typeCheck({ type, contentMediaType }: Keywords, at: Compiling): Check[] {
  if (type === undefined) return contentMediaType === "application/octet-stream" ? [isBytes] : [];
  const types: readonly unknown[] = Array.isArray(type) ? type : [type];
  const tests = types.map((each) => {
    if (typeof each !== "string" || !Object.hasOwn(isOfType, each))
      return refuse(within(at, "type"), `no type "${String(each)}"`);
    return isOfType[each] as (value: unknown) => boolean;
  });
  if (tests.length === 0) refuse(within(at, "type"), "no type at all");
  const message = `expected ${types.join(" or ")}`;
  const [test] = tests as [(value: unknown) => boolean];
  if (tests.length === 1) {
    return [
      (value, finding) => {
        if (!test(value)) finding.add(message);
      },
    ];
  }
  return [
    (value, finding) => {
      if (!tests.some((each) => each(value))) finding.add(message);
    },
  ];
}

/** Bytes that stand in other data, which not every codec has. */
const isBytes: Check = (value, finding) => {
  if (!isUint8Array(value)) finding.add("expected bytes");
};

export function valueCheck(keywords: Keywords, at: Compiling): Check[] {
  const checks: Check[] = [];
  const { enum: values } = keywords;
  if (values !== undefined) {
    if (!Array.isArray(values)) refuse(within(at, "enum"), "no list");
    checks.push(oneOfValues(values));
  }
  if ("const" in keywords) checks.push(oneOfValues([keywords["const"]]));
  return checks;
}

function oneOfValues(values: readonly unknown[]): Check {
  const message = `expected ${values.map((value) => JSON.stringify(value)).join(" or ")}`;
  if (values.every((value) => typeof value !== "object" || value === null)) {
    const known = new Set(values);
    return (value, finding) => {
      if (!known.has(value)) finding.add(message);
    };
  }
  const known = new Set(values.map(canonicalJson));
  return (value, finding) => {
    if (value === undefined || !known.has(canonicalJson(value))) finding.add(message);
  };
}

/** How far a quotient may be from a whole number: decimals have no exact binary fractions. */
const tolerance = 1e-9;

const bounds = {
  minimum: { holds: (value: number, bound: number) => value >= bound, says: "at least" },
  maximum: { holds: (value: number, bound: number) => value <= bound, says: "at most" },
  exclusiveMinimum: { holds: (value: number, bound: number) => value > bound, says: "more than" },
  exclusiveMaximum: { holds: (value: number, bound: number) => value < bound, says: "less than" },
  multipleOf: { holds: isMultiple, says: "a multiple of" },
} as const;

function isMultiple(value: number, of: number): boolean {
  const quotient = value / of;
  return Math.abs(quotient - Math.round(quotient)) <= tolerance * Math.max(1, Math.abs(quotient));
}

export function numberChecks(keywords: Keywords, at: Compiling): Check[] {
  return Object.entries(bounds).flatMap(([keyword, { holds, says }]): Check[] => {
    const bound = keywords[keyword];
    if (bound === undefined) return [];
    if (typeof bound !== "number" || (keyword === "multipleOf" && bound <= 0))
      refuse(within(at, keyword), "no number that it can be");
    return [
      (value, finding) => {
        if (typeof value === "number" && !holds(value, bound as number))
          finding.add(`expected ${says} ${bound}`);
      },
    ];
  });
}

/** Of characters, not of the units of UTF-16. */
function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

export function textChecks(keywords: Keywords, at: Compiling): Check[] {
  const checks = sizeChecks(keywords, at, {
    min: "minLength",
    max: "maxLength",
    unit: "characters",
    sizeOf: (value) => (typeof value === "string" ? lengthOf(value) : undefined),
  });
  const { pattern } = keywords;
  if (pattern === undefined) return checks;
  const regular = patternOf(pattern, within(at, "pattern"));
  checks.push((value, finding) => {
    if (typeof value === "string" && !regular.test(value)) finding.add(`does not match ${pattern}`);
  });
  return checks;
}

/** Of what has a size: a text, a list, an object. */
export function sizeChecks(
  keywords: Keywords,
  at: Compiling,
  {
    min,
    max,
    unit,
    sizeOf,
  }: { min: string; max: string; unit: string; sizeOf: (value: unknown) => number | undefined },
): Check[] {
  const checks: Check[] = [];
  for (const keyword of [min, max]) {
    const bound = keywords[keyword];
    if (bound === undefined) continue;
    if (!Number.isInteger(bound) || (bound as number) < 0)
      refuse(within(at, keyword), "no number that it can be");
    const says = `expected at ${keyword === min ? "least" : "most"} ${bound} ${unit}`;
    checks.push((value, finding) => {
      const size = sizeOf(value);
      if (size === undefined) return;
      if (keyword === min ? size < (bound as number) : size > (bound as number)) finding.add(says);
    });
  }
  return checks;
}
