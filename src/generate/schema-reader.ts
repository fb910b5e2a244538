import { canonicalJson } from "../contract/json-schema/canonical-json.ts";
import type { JsonSchema } from "../contract/schema.ts";
import {
  descriptionOf,
  isEmpty,
  type Keywords,
  keywordsOf,
  tagOf,
  tagValueOf,
  titleOf,
  valuesOf,
} from "./keywords.ts";
import { NameScope, pascal } from "./names.ts";
import { notExpressible } from "./not-expressible.ts";
import { followed, lookUp, merged, usesReferences } from "./references.ts";
import type { NamedType, ObjectType, Property, Scalar, Shape } from "./shapes.ts";

/** A schema, and what it is part of. */
interface At {
  readonly place: string;
  /** What a type made of it is called if it has no title. */
  readonly name: string;
  readonly root: JsonSchema;
}

/** Alternatives that are told apart by a text at that key; `resolved`: without their `$ref`s. */
interface Tagged {
  readonly tag: string;
  readonly others: readonly unknown[];
  readonly resolved: readonly Keywords[];
}

/** Makes types of JSON Schemas: of each contract, one reader. */
export class SchemaReader {
  /** In the order in which they were met. */
  readonly types: NamedType[] = [];
  readonly #names: NameScope;
  /** Of each schema that is an object, also while it is read. */
  readonly #objects = new Map<unknown, ObjectType>();
  readonly #titled = new Map<string, NamedType>();
  readonly #reading = new Set<unknown>();

  /** `taken`: names that generated code has besides. */
  constructor(taken: Iterable<string>) {
    this.#names = new NameScope(taken);
  }

  /** @throws CallerError `ERR_NOT_EXPRESSIBLE`, with the place. */
  read(schema: JsonSchema, place: string, name: string): Shape {
    return this.#read(schema, { place, name, root: schema });
  }

  #read(schema: unknown, at: At): Shape {
    const { place } = at;
    if (schema === true) return { kind: "any", place };
    if (schema === false) throw notExpressible(place, "a schema that takes nothing");
    if (this.#reading.has(schema)) throw notExpressible(place, "what stands in itself and is no object");
    this.#reading.add(schema);
    try {
      return this.#readKeywords(schema as Keywords, at);
    } finally {
      this.#reading.delete(schema);
    }
  }

  #readKeywords(schema: Keywords, at: At): Shape {
    const { place } = at;
    if (schema["$ref"] !== undefined) return this.#readReference(schema, at);
    if (schema["allOf"] !== undefined) return this.#read(merged(schema, at), at);
    const values = valuesOf(schema);
    if (values !== undefined) return this.#enumOf(values, schema, at);
    const alternatives = schema["anyOf"] ?? schema["oneOf"];
    if (alternatives !== undefined) return this.#readAlternatives(alternatives as unknown[], schema, at);
    const { type } = schema as { readonly type?: unknown };
    if (Array.isArray(type)) {
      const each = type.map((one: unknown) => ({ ...schema, type: one }));
      return this.#readAlternatives(each, { title: schema["title"] }, at);
    }
    if (type === "object") return this.#readObject(schema, at);
    if (type === "array") return this.#readList(schema, at);
    if (type === undefined) return { kind: kindWithoutType(schema, place), place };
    return { kind: type as "string", place };
  }

  #readReference(schema: Keywords, at: At): Shape {
    const reference = schema["$ref"] as string;
    const target = lookUp(at.root, reference);
    if (
      Object.keys(schema).some((key) => !["$ref", "$defs", "description", "title", "$schema"].includes(key))
    )
      throw notExpressible(at.place, "a $ref with further conditions");
    const known = this.#objects.get(target);
    if (known !== undefined) return { kind: "named", type: known, place: at.place };
    const own = pascal(reference.split("/").at(-1) ?? "");
    const name = reference === "#" || own === "" || /^Schema\d*$/.test(own) ? at.name : own;
    return this.#read(target, { ...at, name });
  }

  #readAlternatives(given: readonly unknown[], schema: Keywords, at: At): Shape {
    const { place } = at;
    const isNull = (each: unknown) =>
      keywordsOf(each)["type"] === "null" || keywordsOf(each)["const"] === null;
    const others = given.filter((each) => !isNull(each));
    const inner = this.#readOthers(others, schema, at);
    return others.length < given.length ? nullable(inner, place) : inner;
  }

  #readOthers(others: readonly unknown[], schema: Keywords, at: At): Shape {
    const { place } = at;
    if (others.length === 0) return { kind: "null", place };
    if (others.length === 1) return this.#read(others[0], at);
    const values = others.map((each) => valuesOf(keywordsOf(each)));
    if (values.every((each) => each !== undefined)) return this.#enumOf(values.flat(), schema, at);
    const resolved = others.map((each) => keywordsOf(followed(each, at.root)));
    const tag = tagOf(resolved);
    if (tag !== undefined) return this.#unionOf({ tag, others, resolved }, schema, at);
    const shapes = others.map((each, index) => {
      const name = `${at.name}${index + 1}`;
      return this.#read(each, { ...at, name, place: `${place}/anyOf/${index}` });
    });
    return { kind: "either", shapes, place };
  }

  #unionOf({ tag, others, resolved }: Tagged, schema: Keywords, at: At): Shape {
    const { place } = at;
    return this.#titledType(schema, at, (name) => {
      const variants = others.map((each, index) => {
        const value = tagValueOf(resolved[index] as Keywords, tag) as string;
        const inner = { ...at, name: `${name}${pascal(value)}`, place: `${place}/anyOf/${index}` };
        return { value, type: this.#objectOf(each, inner) };
      });
      return { kind: "union", name, tag, variants, description: descriptionOf(schema), place };
    });
  }

  #objectOf(schema: unknown, at: At): ObjectType {
    const shape = this.#read(schema, at);
    if (shape.kind === "named" && shape.type.kind === "object") return shape.type;
    throw notExpressible(at.place, "an alternative that is no object");
  }

  #enumOf(values: readonly unknown[], schema: Keywords, at: At): Shape {
    const { place } = at;
    const scalars = [...new Set(values)].filter((value) => value !== null);
    const stranger = scalars.find((value) => !["string", "number", "boolean"].includes(typeof value));
    if (stranger !== undefined) throw notExpressible(place, `the value ${JSON.stringify(stranger)}`);
    const shape = this.#scalarsOf(scalars as Scalar[], schema, at);
    return scalars.length < new Set(values).size ? nullable(shape, place) : shape;
  }

  #scalarsOf(values: readonly Scalar[], schema: Keywords, at: At): Shape {
    const { place } = at;
    const [first] = values;
    if (first === undefined) return { kind: "null", place };
    if (values.length === 1) return { kind: "constant", value: first, place };
    if (values.every((value) => typeof value === "boolean")) return { kind: "boolean", place };
    return this.#titledType(schema, at, (name) => ({
      kind: "enum",
      name,
      values,
      description: descriptionOf(schema),
      place,
    }));
  }

  #readList(schema: Keywords, at: At): Shape {
    const { place } = at;
    const { items, prefixItems } = schema;
    if (prefixItems === undefined) {
      const inner = this.#read(items ?? true, { ...at, name: `${at.name}Item`, place: `${place}/items` });
      return { kind: "list", items: inner, place };
    }
    if (items !== undefined && items !== false)
      throw notExpressible(place, "a list with items of its own first and any number after them");
    const each = (prefixItems as unknown[]).map((one, index) => {
      return this.#read(one, {
        ...at,
        name: `${at.name}${index + 1}`,
        place: `${place}/prefixItems/${index}`,
      });
    });
    return { kind: "tuple", items: each, place };
  }

  #readObject(schema: Keywords, at: At): Shape {
    const { place } = at;
    const properties = Object.entries(keywordsOf(schema["properties"]));
    const further = schema["additionalProperties"];
    const isOpen = further === undefined || further === true || isEmpty(further);
    if (properties.length === 0 && further !== false) {
      const name = `${at.name}Value`;
      const values = this.#read(further ?? true, { ...at, name, place: `${place}/additionalProperties` });
      return { kind: "map", values, place };
    }
    if (!isOpen && further !== false)
      throw notExpressible(place, "properties of its own and any number of further ones that have a schema");
    const known = this.#objects.get(schema);
    if (known !== undefined) return { kind: "named", type: known, place };
    return this.#titledType(schema, at, (name) => {
      const type: ObjectType = {
        kind: "object",
        name,
        properties: [],
        description: descriptionOf(schema),
        place,
      };
      this.#objects.set(schema, type);
      this.#reading.delete(schema);
      type.properties.push(...this.#propertiesOf(properties, schema, { ...at, name }));
      return type;
    });
  }

  #propertiesOf(properties: readonly [string, unknown][], schema: Keywords, at: At): Property[] {
    const required = (schema["required"] ?? []) as readonly string[];
    const strangers = required.filter((key) => !properties.some(([own]) => own === key));
    if (strangers.length > 0)
      throw notExpressible(at.place, `the property "${strangers[0]}", which is required and has no schema`);
    return properties.map(([key, inner]) => {
      const name = `${at.name}${pascal(key)}`;
      const shape = this.#read(inner, { ...at, name, place: `${at.place}/properties/${key}` });
      return {
        key,
        shape,
        isRequired: required.includes(key),
        description: descriptionOf(keywordsOf(inner)),
      };
    });
  }

  /** Schemas that have the same title and say the same are one type. */
  #titledType(schema: Keywords, at: At, make: (name: string) => NamedType): Shape {
    const title = titleOf(schema);
    const key =
      title === undefined ? undefined : canonicalJson([title, schema, usesReferences(schema) && at.root]);
    const known = key === undefined ? undefined : this.#titled.get(key);
    if (known !== undefined) return { kind: "named", type: known, place: at.place };
    // Types stand in the order of their names' claims, outer ones first.
    const index = this.types.length;
    const type = make(this.#names.claim(title ?? at.name));
    this.types.splice(index, 0, type);
    if (key !== undefined) this.#titled.set(key, type);
    return { kind: "named", type, place: at.place };
  }
}

function nullable(inner: Shape, place: string): Shape {
  return inner.kind === "nullable" || inner.kind === "null" || inner.kind === "any"
    ? inner
    : { kind: "nullable", inner, place };
}

function kindWithoutType(schema: Keywords, place: string): "any" | "bytes" {
  if (schema["contentMediaType"] === "application/octet-stream") return "bytes";
  const conditions = [
    "properties",
    "required",
    "items",
    "prefixItems",
    "additionalProperties",
    "pattern",
    "minimum",
  ];
  const found = conditions.find((keyword) => schema[keyword] !== undefined);
  if (found !== undefined) throw notExpressible(place, `"${found}" without a "type"`);
  return "any";
}
