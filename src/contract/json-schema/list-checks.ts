import { canonicalJson } from "./canonical-json.ts";
import { type Check, type Compile, type Compiling, type Keywords, refuse, within } from "./compiling.ts";
import { sizeChecks } from "./value-checks.ts";

export function listChecks(keywords: Keywords, at: Compiling, compile: Compile): Check[] {
  return [
    ...itemsCheck(keywords, at, compile),
    ...sizeChecks(keywords, at, {
      min: "minItems",
      max: "maxItems",
      unit: "items",
      sizeOf: (value) => (Array.isArray(value) ? value.length : undefined),
    }),
    ...(keywords["uniqueItems"] === true ? [areUnique] : []),
  ];
}

function itemsCheck({ items, prefixItems }: Keywords, at: Compiling, compile: Compile): Check[] {
  if (items === undefined && prefixItems === undefined) return [];
  if (prefixItems !== undefined && !Array.isArray(prefixItems)) refuse(within(at, "prefixItems"), "no list");
  const first = ((prefixItems as unknown[]) ?? []).map((schema, index) =>
    compile(schema, within(at, "prefixItems", index)),
  );
  const rest =
    items === false
      ? (((_, finding) => finding.add("there is no such item")) satisfies Check)
      : compile(items ?? true, within(at, "items"));
  return [
    (value, finding) => {
      if (!Array.isArray(value)) return;
      for (let index = 0; index < value.length && !finding.isFull; index++) {
        finding.enter(index);
        (first[index] ?? rest)(value[index], finding);
        finding.leave();
      }
    },
  ];
}

const areUnique: Check = (value, finding) => {
  if (!Array.isArray(value)) return;
  if (new Set(value.map(canonicalJson)).size < value.length) finding.add("an item is there twice");
};
