import { linesOf } from "../comments.ts";
import type { Part } from "../model.ts";
import { NameScope, pascal } from "../names.ts";
import { notExpressible } from "../not-expressible.ts";
import type { EnumType, NamedType, ObjectType, Property, Scalar, Shape, UnionType } from "../shapes.ts";

/** All types, with what encodes and decodes them. `names`: those that are taken in the package. */
export function typesText(types: readonly NamedType[], names: NameScope): string {
  return types.map((type) => declaration(type, names)).join("\n");
}

function declaration(type: NamedType, names: NameScope): string {
  if (type.kind === "enum") return enumText(type, names);
  if (type.kind === "union") return unionText(type, names);
  return objectText(type);
}

/** In Go, for a part of a member: nil is nothing at all if there may be nothing. */
export function partType({ shape, isOptional, isBytes }: Part): string {
  if (isBytes) return "[]byte";
  const type = typeText(shape);
  const hasNil = ["nullable", "list", "map", "any", "null"].includes(shape.kind);
  return isOptional && !hasNil ? `*${type}` : type;
}

/** @throws CallerError `ERR_NOT_EXPRESSIBLE` */
function typeText(shape: Shape): string {
  switch (shape.kind) {
    case "any":
    case "null":
      return "any";
    case "boolean":
      return "bool";
    case "integer":
      return "int64";
    case "number":
      return "float64";
    case "string":
      return "string";
    case "constant":
      return scalarType(shape.value);
    case "named":
      return shape.type.name;
    case "list":
      return `[]${typeText(shape.items)}`;
    case "map":
      return `map[string]${typeText(shape.values)}`;
    case "nullable":
      return hasNil(shape.inner) ? typeText(shape.inner) : `*${typeText(shape.inner)}`;
    case "bytes":
      throw notExpressible(shape.place, "bytes in other data, which JSON does not have");
    case "tuple":
      throw notExpressible(shape.place, "Go has no type for a list whose items differ (prefixItems)");
    case "either":
      throw notExpressible(
        shape.place,
        "Go has no type for alternatives without a text of their own at the same key",
      );
  }
}

function hasNil(shape: Shape): boolean {
  return shape.kind === "list" || shape.kind === "map";
}

function scalarType(value: Scalar): string {
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  return Number.isInteger(value) ? "int64" : "float64";
}

function enumText(type: EnumType, names: NameScope): string {
  const { name, values, description, place } = type;
  const isText = values.every((value) => typeof value === "string");
  if (!isText && !values.every((value) => Number.isInteger(value)))
    throw notExpressible(place, "Go has no type for values that are neither all texts nor all whole numbers");
  const rows = values.map((value) => {
    const constant = names.claim(`${name}${pascal(String(value).replace("-", isText ? "-" : "Minus "))}`);
    return [constant, name, "=", literal(value)];
  });
  return `${comment(name, description, "is one of these.")}type ${name} ${isText ? "string" : "int64"}

const (
${aligned(rows.map((row) => row.slice(0, 2)))
  .map((start, index) => `\t${start} = ${rows[index]?.[3]}\n`)
  .join("")})
`;
}

export function literal(value: Scalar): string {
  return typeof value === "string" ? quoted(value) : String(value);
}

function unionText({ name, tag, variants, description }: UnionType, names: NameScope): string {
  const inner = names.claim(`${name}Value`);
  const list = [...new Set(variants.map(({ type }) => type.name))];
  const cases = variants.map(
    ({ value, type }) => `	case ${quoted(value)}:
		var value ${type.name}
		if err := contract.Unmarshal(data, &value); err != nil {
			return err
		}
		u.Value = value
`,
  );
  return `${comment(name, description, `is one of ${list.join(", ")}.`)}type ${name} struct {
	Value ${inner}
}

// ${inner} is what a ${name} has: one of ${list.join(", ")}.
type ${inner} interface{ is${name}() }

${list.map((each) => `func (${each}) is${name}() {}\n`).join("\n")}
// MarshalJSON is the value's.
func (u ${name}) MarshalJSON() ([]byte, error) {
	if u.Value == nil {
		return nil, errors.New("a ${name} without a value")
	}
	return json.Marshal(u.Value)
}

// UnmarshalJSON reads the value, which ${goText(JSON.stringify(tag))} tells.
func (u *${name}) UnmarshalJSON(data []byte) error {
	tag, err := contract.Tag(data, ${quoted(tag)})
	if err != nil {
		return err
	}
	switch tag {
${cases.join("")}	default:
		return fmt.Errorf("no ${name} has %q", tag)
	}
	return nil
}
`;
}

interface Field {
  readonly property: Property;
  readonly name: string;
}

function objectText(type: ObjectType): string {
  const { name, properties, description } = type;
  const names = new NameScope(["MarshalJSON", "UnmarshalJSON"]);
  const constants = properties.filter(({ shape, isRequired }) => isRequired && shape.kind === "constant");
  const others = properties.filter((property) => !constants.includes(property));
  const fields = others.map(
    (property): Field => ({ property, name: names.claim(pascal(property.key), "Field") }),
  );
  const written = constants.map(({ key }) => JSON.stringify(key)).join(", ");
  const says = written === "" ? "" : ` Its ${goText(written)} is written by itself.`;
  const about = description === undefined ? `is an object.${says}` : "";
  return `${comment(name, description && description + says, about)}type ${name} struct {
${fieldsText(fields)}}

${marshalText(name, fields, constants)}// UnmarshalJSON reads the properties, by their exact names.
func (v *${name}) UnmarshalJSON(data []byte) error {
	return contract.UnmarshalObject(data, map[string]any{
${alignedEntries(fields).join("")}	})
}
`;
}

function alignedEntries(fields: readonly Field[]): string[] {
  const keys = fields.map(({ property }) => `${quoted(property.key)}:`);
  const width = Math.max(0, ...keys.map((key) => key.length));
  return fields.map(({ name }, index) => `\t\t${(keys[index] as string).padEnd(width)} &v.${name},\n`);
}

function fieldsText(fields: readonly Field[]): string {
  // A comment begins a new run of lines whose columns are aligned.
  const runs: { comment: string; rows: string[][] }[] = [];
  for (const { property, name } of fields) {
    const row = [name, fieldType(property), tagText(property)];
    const about = linesComment(property.description, "\t");
    if (about !== "" || runs.length === 0) runs.push({ comment: about, rows: [row] });
    else runs.at(-1)?.rows.push(row);
  }
  return runs
    .map(({ comment: about, rows }) => {
      const starts = aligned(rows.map((row) => row.slice(0, 2)));
      const types = Math.max(...starts.map((start) => start.length));
      const lines = rows.map((row, index) => `\t${(starts[index] as string).padEnd(types)} ${row[2]}\n`);
      return about + lines.join("");
    })
    .join("");
}

function fieldType({ shape, isRequired }: Property): string {
  if (isRequired) return typeText(shape);
  if (shape.kind === "nullable" || shape.kind === "any" || shape.kind === "null")
    return `contract.Optional[${typeText(shape)}]`;
  return hasNil(shape) ? typeText(shape) : `*${typeText(shape)}`;
}

function tagText({ key, shape, isRequired }: Property): string {
  if (!/^[\p{L}\p{N}!#$%&()*+\-./:;<=>?@[\]^_{|}~ ]+$/u.test(key))
    throw notExpressible(shape.place, `Go has no field for the property ${JSON.stringify(key)}`);
  const options = isRequired ? (key === "-" ? "," : "") : ",omitzero";
  return `\`json:"${key}${options}"\``;
}

function marshalText(name: string, fields: readonly Field[], constants: readonly Property[]): string {
  const lists = fields.filter(({ property }) => property.isRequired && hasNil(property.shape));
  if (lists.length === 0 && constants.length === 0) return "";
  const written = constants.flatMap(({ key, shape }) => [
    quoted(JSON.stringify(key)),
    quoted(JSON.stringify((shape as Extract<Shape, { kind: "constant" }>).value)),
  ]);
  const empty = lists.map(
    ({ property, name: field }) => `	if v.${field} == nil {
		v.${field} = ${typeText(property.shape)}{}
	}
`,
  );
  return `// MarshalJSON writes the properties.
func (v ${name}) MarshalJSON() ([]byte, error) {
	type plain ${name}
${empty.join("")}	return contract.MarshalObject(${["plain(v)", ...written].join(", ")})
}

`;
}

/** The first cell of each row as wide as the widest. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const width = Math.max(0, ...rows.map(([first = ""]) => first.length));
  return rows.map(([first = "", second = ""]) => `${first.padEnd(width)} ${second}`);
}

/** A doc comment, which begins with the name. */
export function comment(name: string, description: string | undefined, otherwise: string): string {
  if (description === undefined) return `// ${name} ${otherwise}\n`;
  return linesComment(`${name}: ${description}`, "");
}

function linesComment(description: string | undefined, indent: string): string {
  if (description === undefined) return "";
  // A directive to Go's tools has no space after the slashes.
  return linesOf(description)
    .map((line) => `${indent}//${line === "" ? "" : ` ${line.trimStart()}`}\n`)
    .join("");
}

/** A string of Go's, in ASCII alone. */
export function quoted(text: string): string {
  const escaped = [...text].map((character) => {
    const code = character.codePointAt(0) as number;
    if (character === '"' || character === "\\") return `\\${character}`;
    if (code >= 0x20 && code < 0x7f) return character;
    if (character === "\n") return "\\n";
    if (code >= 0xd800 && code <= 0xdfff) return "\\ufffd";
    return code > 0xffff
      ? `\\U${code.toString(16).padStart(8, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`;
  });
  return `"${escaped.join("")}"`;
}

/** Text in a comment, on one line. */
export function goText(text: string): string {
  return linesOf(text).join(" ");
}
