import { type Check, type Compile, type Compiling, type Keywords, refuse, within } from "./compiling.ts";
import { isObject, sizeChecks } from "./value-checks.ts";

export function objectChecks(keywords: Keywords, at: Compiling, compile: Compile): Check[] {
  return [
    ...requiredCheck(keywords, at),
    ...propertiesCheck(keywords, at, compile),
    ...namesCheck(keywords, at, compile),
    ...sizeChecks(keywords, at, {
      min: "minProperties",
      max: "maxProperties",
      unit: "properties",
      sizeOf: (value) => (isObject(value) ? keysOf(value).length : undefined),
    }),
  ];
}

/** Without those that are `undefined`: JSON leaves them out. */
function keysOf(value: Keywords): string[] {
  return Object.keys(value).filter((key) => value[key] !== undefined);
}

function requiredCheck({ required }: Keywords, at: Compiling): Check[] {
  if (required === undefined) return [];
  if (!Array.isArray(required) || !required.every((key) => typeof key === "string"))
    refuse(within(at, "required"), "no list of texts");
  return [
    (value, finding) => {
      if (!isObject(value)) return;
      for (const key of required as string[]) {
        if (Object.hasOwn(value, key) && value[key] !== undefined) continue;
        finding.within(key, () => finding.add("it is missing"));
      }
    },
  ];
}

function propertiesCheck(keywords: Keywords, at: Compiling, compile: Compile): Check[] {
  const { properties, additionalProperties } = keywords;
  if (properties === undefined && additionalProperties === undefined) return [];
  if (properties !== undefined && !isObject(properties)) refuse(within(at, "properties"), "no object");
  const own = new Map(
    Object.entries(properties ?? {}).map(([key, schema]) => [
      key,
      compile(schema, within(at, "properties", key)),
    ]),
  );
  const further = furtherCheck(additionalProperties, at, compile);
  return [
    (value, finding) => {
      if (!isObject(value)) return;
      for (const key of Object.keys(value)) {
        const inner = value[key];
        const check = own.get(key) ?? further;
        if (check === undefined || inner === undefined) continue;
        finding.enter(key);
        check(inner, finding);
        finding.leave();
      }
    },
  ];
}

function furtherCheck(schema: unknown, at: Compiling, compile: Compile): Check | undefined {
  if (schema === undefined || schema === true) return undefined;
  if (schema === false) return (_, finding) => finding.add("there is no such property");
  return compile(schema, within(at, "additionalProperties"));
}

function namesCheck({ propertyNames }: Keywords, at: Compiling, compile: Compile): Check[] {
  if (propertyNames === undefined) return [];
  const check = compile(propertyNames, within(at, "propertyNames"));
  return [
    (value, finding) => {
      if (!isObject(value)) return;
      for (const key of keysOf(value)) {
        const found = finding.apart();
        check(key, found);
        if (found.issues.length > 0) finding.within(key, () => finding.add("no property may have that name"));
      }
    },
  ];
}
