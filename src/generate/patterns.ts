import type { ContractDescription } from "../contract/description.ts";

/** Calls `check` with each regular expression in a contract's schemas, and the place where it stands. */
export function eachPattern(
  { members }: ContractDescription,
  check: (pattern: string, place: string) => void,
): void {
  for (const [name, member] of Object.entries(members)) {
    for (const [key, part] of Object.entries(member as object)) walk(part, `${name}.${key}`, check);
  }
}

function walk(schema: unknown, place: string, check: (pattern: string, place: string) => void): void {
  if (typeof schema !== "object" || schema === null) return;
  for (const [key, inner] of Object.entries(schema)) {
    if (key === "pattern" && typeof inner === "string") check(inner, `${place}/pattern`);
    // The names of properties are no keywords.
    else if (key === "properties" || key === "$defs") {
      for (const [name, each] of Object.entries(Object(inner))) walk(each, `${place}/${key}/${name}`, check);
    } else if (!["enum", "const", "default", "examples"].includes(key)) walk(inner, `${place}/${key}`, check);
  }
}

/** Without what is escaped and means itself in every language, and without what stands in brackets. */
export function withoutLiterals(pattern: string): string {
  return pattern.replace(/\\[^1-9kpPcu]/g, "_").replace(/\[(?:[^\]\\]|\\.)*\]/g, "_");
}
