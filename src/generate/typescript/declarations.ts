import { linesOf } from "../comments.ts";
import type { NamedType, Property, Shape } from "../shapes.ts";

/** All types, each with what its schema says of it. */
export function typesText(types: readonly NamedType[]): string {
  return types.map((type) => `${docComment(type.description, "")}${declaration(type)}\n`).join("\n");
}

function declaration(type: NamedType): string {
  const { name } = type;
  if (type.kind === "enum") return `export type ${name} = ${type.values.map(literal).join(" | ")};`;
  if (type.kind === "union")
    return `export type ${name} = ${type.variants.map((variant) => variant.type.name).join(" | ")};`;
  if (type.properties.length === 0) return `export type ${name} = Record<string, never>;`;
  // Not an interface: those are not assignable to a type with an index.
  return `export type ${name} = {\n${type.properties.map(propertyText).join("")}};`;
}

function propertyText({ key, shape, isRequired, description }: Property): string {
  const name = /^[A-Za-z_$][A-Za-z0-9_$]*$/.test(key) ? key : quoted(key);
  const type = isRequired ? typeText(shape) : `${typeText(shape)} | undefined`;
  return `${docComment(description, "  ")}  ${name}${isRequired ? "" : "?"}: ${type};\n`;
}

export function typeText(shape: Shape): string {
  switch (shape.kind) {
    case "any":
      return "unknown";
    case "integer":
      return "number";
    case "bytes":
      return "Uint8Array";
    case "constant":
      return literal(shape.value);
    case "named":
      return shape.type.name;
    case "list":
      return `${grouped(shape.items)}[]`;
    case "tuple":
      return `[${shape.items.map(typeText).join(", ")}]`;
    case "map":
      return `{ [key: string]: ${typeText(shape.values)} }`;
    case "nullable":
      return `${typeText(shape.inner)} | null`;
    case "either":
      return [...new Set(shape.shapes.map(typeText))].join(" | ");
    default:
      return shape.kind;
  }
}

function grouped(shape: Shape): string {
  const isUnion = shape.kind === "nullable" || shape.kind === "either";
  return isUnion ? `(${typeText(shape)})` : typeText(shape);
}

function literal(value: string | number | boolean): string {
  return typeof value === "string" ? quoted(value) : String(value);
}

/** In ASCII alone, so that nobody's editor shows other code than there is. */
export function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function docComment(description: string | undefined, indent: string): string {
  if (description === undefined) return "";
  const lines = linesOf(description).map((line) => line.replaceAll("*/", "*\\/"));
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd()).join("\n")}\n${indent} */\n`;
}
