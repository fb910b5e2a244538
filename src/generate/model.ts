import { bytes } from "../contract/bytes.ts";
import type { Retention } from "../contract/delivery.ts";
import type { ContractDescription, MemberDescription } from "../contract/description.ts";
import { canonicalJson } from "../contract/json-schema/canonical-json.ts";
import { fromJsonSchema } from "../contract/json-schema/from-json-schema.ts";
import type { Direction } from "../contract/members.ts";
import type { JsonSchema, Schema } from "../contract/schema.ts";
import { pascal } from "./names.ts";
import { notExpressible } from "./not-expressible.ts";
import { SchemaReader } from "./schema-reader.ts";
import type { NamedType, Shape } from "./shapes.ts";

/** A contract as code is made of it. */
export interface Model {
  readonly name: string;
  readonly version: string;
  readonly codec: string;
  /** The description that the hash is of, as RFC 8785 writes it. */
  readonly canonical: string;
  readonly members: readonly MemberModel[];
  readonly types: readonly NamedType[];
}

export type MemberModel = MethodModel | StreamModel | EventModel;

interface Numbered {
  readonly name: string;
  readonly number: number;
}

export interface MethodModel extends Numbered {
  readonly kind: "method";
  readonly input: Part | undefined;
  readonly output: Part | undefined;
  readonly errors: readonly ErrorModel[];
}

export interface StreamModel extends Numbered {
  readonly kind: "stream";
  readonly input: Part | undefined;
  /** Of the items towards the caller. */
  readonly output: Part | undefined;
  /** Of the items from the caller. */
  readonly items: Part | undefined;
  readonly errors: readonly ErrorModel[];
}

export interface EventModel extends Numbered {
  readonly kind: "event";
  readonly data: Part | undefined;
  readonly direction: Direction;
  readonly fanOut: boolean;
  readonly durable: Retention | undefined;
}

export interface Part {
  readonly schema: JsonSchema;
  readonly shape: Shape;
  /** Whether there may be nothing. */
  readonly isOptional: boolean;
  /** Bytes as they are, and not a value in the codec. */
  readonly isBytes: boolean;
}

export interface ErrorModel {
  readonly code: string;
  /** `undefined` for an error without data. */
  readonly data: Part | undefined;
}

/**
 * `taken`: names of types that generated code has besides.
 * @throws CallerError `ERR_NOT_EXPRESSIBLE`
 */
export function modelOf(description: ContractDescription, taken: Iterable<string>): Model {
  const { name, version, codec } = description;
  const reader = new SchemaReader(taken);
  const members = Object.entries(description.members).flatMap(([key, member]) =>
    memberModel(key, member, reader),
  );
  return { name, version, codec, canonical: canonicalJson(description), members, types: reader.types };
}

const memberName = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

/** Of a kind of a later version nothing is made. */
function memberModel(name: string, member: MemberDescription, reader: SchemaReader): MemberModel[] {
  if (!memberName.test(name)) throw notExpressible(JSON.stringify(name), "no name that a member can have");
  const { kind, number } = member;
  const partOf = (key: string, schema: JsonSchema | undefined, suffix: string): Part | undefined => {
    if (schema === undefined) return undefined;
    const isOptional = (member.optional ?? []).includes(key);
    return makePart(schema, { place: `${name}.${key}`, name: pascal(name) + suffix, isOptional, reader });
  };
  if (kind === "event") {
    const { data, direction, fanOut = false, durable } = member;
    return [{ kind, name, number, data: partOf("data", data, "Data"), direction, fanOut, durable }];
  }
  if (kind !== "method" && kind !== "stream") return [];
  const { input, output, errors = {} } = member;
  const common = {
    name,
    number,
    input: partOf("input", input, "Input"),
    errors: errorsOf(name, errors, reader),
  };
  if (kind === "method") return [{ kind, ...common, output: partOf("output", output, "Output") }];
  const items = partOf("items", member.items, "Item");
  return [{ kind, ...common, output: partOf("output", output, "Output"), items }];
}

function errorsOf(
  member: string,
  errors: { readonly [code: string]: JsonSchema | null },
  reader: SchemaReader,
): ErrorModel[] {
  return Object.entries(errors).map(([code, schema]) => {
    if (!/^(?!ERR_)[A-Z0-9_]{1,64}$/.test(code))
      throw notExpressible(`${member}.errors`, `${JSON.stringify(code)} is no code that an error can have`);
    if (schema === null) return { code, data: undefined };
    const name = `${pascal(member)}${pascal(code.toLowerCase())}`;
    const place = `${member}.errors/${code}`;
    return { code, data: makePart(schema, { place, name, isOptional: false, reader }) };
  });
}

function makePart(
  schema: JsonSchema,
  part: {
    readonly place: string;
    readonly name: string;
    readonly isOptional: boolean;
    readonly reader: SchemaReader;
  },
): Part {
  const { place, name, isOptional, reader } = part;
  const isBytes = checkable(schema, place) === (bytes as Schema<unknown>);
  return { schema, shape: reader.read(schema, place, name), isOptional, isBytes };
}

/** What cannot be checked must not be generated either. */
function checkable(schema: JsonSchema, place: string): Schema<unknown> {
  try {
    return fromJsonSchema(schema);
  } catch (error) {
    throw notExpressible(place, (error as Error).message);
  }
}
