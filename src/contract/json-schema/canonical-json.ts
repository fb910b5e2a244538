/** As RFC 8785 has it: no space, and keys in the order of their UTF-16 units, numbers too. Of what `JSON.stringify` has text for. */
export function canonicalJson(value: unknown): string {
  return textOf(JSON.parse(JSON.stringify(value) ?? "null"));
}

function textOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(textOf).join()}]`;
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${textOf((value as Record<string, unknown>)[key])}`).join()}}`;
}
