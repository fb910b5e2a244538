import { linesOf } from "../comments.ts";
import type { Part } from "../model.ts";
import { notExpressible } from "../not-expressible.ts";
import type { EnumType, NamedType, ObjectType, Property, Scalar, Shape } from "../shapes.ts";

/** Names that annotations use: a key with one of them would stand for the type inside of a class. */
const annotationNames = ["Any", "Dict", "List", "Literal", "NotRequired", "Optional", "Tuple", "Union"];
const builtins = ["None", "bool", "bytes", "float", "int", "str", "list", "dict", "type", "object", "super"];

const keywords =
  "False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield";

/** Objects first: what stands in them is not looked up before all is there. */
export function typesText(types: readonly NamedType[]): string {
  const objects = types.flatMap((type) => (type.kind === "object" ? [objectText(type)] : []));
  const others = types.flatMap((type) => {
    if (type.kind === "object") return [];
    const variants =
      type.kind === "union" ? type.variants.map((variant) => variant.type.name).join(", ") : "";
    const value = type.kind === "union" ? `Union[${variants}]` : enumText(type);
    return [`${comment(type.description, "")}${type.name} = ${value}\n`];
  });
  return [...objects, ...(others.length === 0 ? [] : [others.join("")])].join("\n\n");
}

function enumText({ values, place }: EnumType): string {
  return `Literal[${values.map((value) => literal(value, place)).join(", ")}]`;
}

export function partType({ shape, isOptional, isBytes }: Part): string {
  if (isBytes) return isOptional ? "Optional[bytes]" : "bytes";
  return isOptional && !mayBeNone(shape) ? `Optional[${typeText(shape)}]` : typeText(shape);
}

function mayBeNone({ kind }: Shape): boolean {
  return kind === "nullable" || kind === "any" || kind === "null";
}

/** @throws CallerError `ERR_NOT_EXPRESSIBLE` */
function typeText(shape: Shape): string {
  switch (shape.kind) {
    case "any":
      return "Any";
    case "null":
      return "None";
    case "boolean":
      return "bool";
    case "integer":
      return "int";
    case "number":
      return "float";
    case "string":
      return "str";
    case "bytes":
      throw notExpressible(shape.place, "bytes in other data, which JSON does not have");
    case "constant":
      return Number.isInteger(shape.value) || typeof shape.value !== "number"
        ? `Literal[${literal(shape.value, shape.place)}]`
        : "float";
    case "named":
      return shape.type.name;
    case "list":
      return `List[${typeText(shape.items)}]`;
    case "tuple":
      throw notExpressible(shape.place, "Python has no type for a list whose items differ (prefixItems)");
    case "map":
      return `Dict[str, ${typeText(shape.values)}]`;
    case "nullable":
      return `Optional[${typeText(shape.inner)}]`;
    case "either":
      return `Union[${shape.shapes.map(typeText).join(", ")}]`;
  }
}

function literal(value: Scalar, place: string): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Number.isInteger(value)) return BigInt(value).toString();
  throw notExpressible(place, "Python has no type for one of several numbers with fractions");
}

function objectText(type: ObjectType): string {
  const { name, properties, description } = type;
  const taken = new Set([...annotationNames, ...builtins]);
  const isPlain = properties.every(
    ({ key }) => isIdentifier(key) && !taken.has(key) && !key.startsWith("__"),
  );
  if (!isPlain) {
    const rows = properties.map(
      (each) => `${comment(each.description, "    ")}    ${quoted(each.key)}: ${quoted(fieldType(each))},\n`,
    );
    return `${comment(description, "")}${name} = TypedDict(${quoted(name)}, {\n${rows.join("")}})\n`;
  }
  const rows = properties.map(
    (each) => `${comment(each.description, "    ")}    ${each.key}: ${fieldType(each)}\n`,
  );
  return `${comment(description, "")}class ${name}(TypedDict):\n${rows.length === 0 ? "    pass\n" : rows.join("")}`;
}

function fieldType({ shape, isRequired }: Property): string {
  return isRequired ? typeText(shape) : `NotRequired[${typeText(shape)}]`;
}

function isIdentifier(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !keywords.split(" ").includes(name);
}

/** A function's name: not one of the language's, and not that of a type that annotations beside it use. */
export function functionName(name: string): string {
  return isIdentifier(name) && !builtins.includes(name) ? name : `${name}_`;
}

export function comment(description: string | undefined, indent: string): string {
  if (description === undefined) return "";
  return linesOf(description)
    .map((line) => `${indent}#${line === "" ? "" : ` ${line}`}\n`)
    .join("");
}

/** A string of Python's, in ASCII alone. */
export function quoted(text: string): string {
  const escaped = [...text].map((character) => {
    const code = character.codePointAt(0) as number;
    if (character === '"' || character === "\\") return `\\${character}`;
    if (code >= 0x20 && code < 0x7f) return character;
    if (character === "\n") return "\\n";
    return code > 0xffff
      ? `\\U${code.toString(16).padStart(8, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`;
  });
  return `"${escaped.join("")}"`;
}
