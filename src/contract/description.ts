import { createHash } from "node:crypto";
import type { ContractIdentity } from "../index.ts";
import { bytes } from "./bytes.ts";
import { type Contract, type ContractInfo, infoOf } from "./contract.ts";
import type { Retention } from "./delivery.ts";
import { canonicalJson } from "./json-schema/canonical-json.ts";
import { type Direction, invalid, type Member } from "./members.ts";
import { isJsonSchema, type JsonSchema, type Schema } from "./schema.ts";
import { validate } from "./validation.ts";

// A contract as JSON. Source: spec/contracts.md, "Description".

export interface MethodDescription {
  readonly kind: "method";
  readonly number: number;
  /** What the caller sends; absent if that is nothing. `true` if it is something of which there is no JSON Schema. */
  readonly input?: JsonSchema;
  readonly output?: JsonSchema;
  /** By code; `null` for an error without data. */
  readonly errors?: { readonly [code: string]: JsonSchema | null };
  /** What of it may be left out: a JSON Schema cannot say it of the whole. */
  readonly optional?: readonly string[];
}

export interface EventDescription {
  readonly kind: "event";
  readonly number: number;
  readonly data?: JsonSchema;
  readonly direction: Direction;
  /** Absent if it is not so. */
  readonly fanOut?: true;
  /** Absent if it is not so; otherwise how much is kept. */
  readonly durable?: Retention;
  readonly optional?: readonly string[];
}

export interface StreamDescription {
  readonly kind: "stream";
  readonly number: number;
  readonly input?: JsonSchema;
  /** Of the items towards the caller; absent if there are none. */
  readonly output?: JsonSchema;
  /** Of the items from the caller; absent if there are none. */
  readonly items?: JsonSchema;
  readonly errors?: { readonly [code: string]: null };
  readonly optional?: readonly string[];
}

export type MemberDescription = MethodDescription | StreamDescription | EventDescription;

/** A contract as JSON, for programs in other languages and for those of other versions. */
export interface ContractDescription {
  readonly sealpipe: "contract/1";
  readonly name: string;
  readonly version: string;
  readonly codec: string;
  readonly members: { readonly [name: string]: MemberDescription };
}

/**
 * The contract as JSON, with JSON Schemas of what goes over the wire.
 *
 * @example
 * ```ts
 * import { contract, event, exportContract } from "sealpipe/contract";
 * import { z } from "zod";
 *
 * const files = contract("files", { changed: event(2, z.string()) });
 * console.log(JSON.stringify(exportContract(files).members["changed"])); // {"kind":"event","number":2,"data":{"type":"string"},"direction":"to-caller"}
 * ```
 */
export function exportContract(contract: Contract): ContractDescription {
  const { name, version, codec, members, jsonSchema } = infoOf(contract);
  const described = Object.entries(members).map(([key, member]) => [key, describe(member, jsonSchema)]);
  return { sealpipe: "contract/1", name, version, codec: codec.name, members: Object.fromEntries(described) };
}

const identities = new WeakMap<ContractInfo, ContractIdentity>();

/** By which two ends find out whether they mean the same. */
export function identityOf(contract: Contract): ContractIdentity {
  const about = infoOf(contract);
  const known = identities.get(about);
  if (known !== undefined) return known;
  const hash = createHash("sha256")
    .update(canonicalJson(exportContract(contract)))
    .digest();
  const identity = Object.freeze({ name: about.name, version: about.version, hash: Uint8Array.from(hash) });
  identities.set(about, identity);
  return identity;
}

/**
 * What a server or a client is to tell its peer of the contracts that it has to do with, as options of `startServer`,
 * `startClient` and `createClient`. `serve` and `connect` do so by themselves.
 *
 * @throws CallerError `ERR_INVALID_ARGUMENT` for contracts with the same name, or with different codecs.
 */
export function offer(...contracts: readonly Contract[]): {
  readonly codec: string;
  readonly contracts: readonly ContractIdentity[];
} {
  const abouts = contracts.map(infoOf);
  const [first] = abouts;
  if (first === undefined) throw invalid("there is no contract to tell of");
  const other = abouts.find(({ codec }) => codec.name !== first.codec.name);
  if (other !== undefined) {
    const both = `"${first.name}" has the codec ${first.codec.name} and "${other.name}" ${other.codec.name}`;
    throw invalid(`${both}: contracts of one endpoint have the same`);
  }
  const names = new Set(abouts.map(({ name }) => name));
  if (names.size < abouts.length) throw invalid("two contracts have the same name");
  return { codec: first.codec.name, contracts: contracts.map(identityOf) };
}

/**
 * A description that came from elsewhere.
 * @throws TypeError for what is none.
 */
export function parseDescription(value: unknown): ContractDescription {
  const { sealpipe, name, version, codec, members } = Object(value) as Partial<ContractDescription>;
  if (sealpipe !== "contract/1")
    throw new TypeError('it is no description of a contract: "sealpipe" is not "contract/1"');
  for (const [key, text] of Object.entries({ name, version, codec })) {
    if (typeof text !== "string") throw new TypeError(`a contract's description has no ${key}`);
  }
  if (typeof members !== "object" || members === null)
    throw new TypeError("a contract's description has no members");
  for (const [key, member] of Object.entries(members)) checkMember(key, member);
  return value as ContractDescription;
}

function describe(member: Member, jsonSchema: (schema: Schema) => JsonSchema | undefined): MemberDescription {
  const schemaOf = (schema: Schema): JsonSchema => withoutDialect(jsonSchema(schema) ?? true);
  const part = <K extends string>(key: K, schema: Schema | undefined) =>
    (schema === undefined ? {} : { [key]: schemaOf(schema) }) as { [key in K]?: JsonSchema };
  const { number } = member;
  if (member.kind === "event") {
    const { data, direction, fanOut, durable } = member;
    const delivery = { ...(fanOut && { fanOut }), ...(durable && { durable }) };
    return { kind: "event", number, ...part("data", data), direction, ...delivery, ...optionalOf({ data }) };
  }
  const { kind, input, output, errors } = member;
  const described = Object.entries(errors).map(([code, schema]) => [code, schema && schemaOf(schema)]);
  const items = kind === "stream" ? member.items : undefined;
  return {
    kind,
    number,
    ...part("input", input),
    ...part("output", output),
    ...part("items", items),
    ...(described.length === 0 ? {} : { errors: Object.fromEntries(described) }),
    ...optionalOf({ input, output, items }),
  };
}

/** Those that take it if there is nothing. */
function optionalOf(schemas: Record<string, Schema | undefined>): { readonly optional?: readonly string[] } {
  const optional = Object.entries(schemas).filter(([, schema]) => {
    const validation = schema === undefined || schema === bytes ? undefined : validate(schema, undefined);
    return validation !== undefined && "fits" in validation && validation.fits;
  });
  return optional.length === 0 ? {} : { optional: optional.map(([key]) => key) };
}

/** The description says once that all are of the same. */
function withoutDialect(schema: JsonSchema): JsonSchema {
  if (typeof schema === "boolean") return schema;
  const { $schema: _, ...rest } = schema;
  return rest;
}

/** The members' properties that are schemas. */
const parts = ["input", "output", "items", "data"] as const;

function checkMember(name: string, member: unknown): void {
  const given = Object(member) as Partial<
    Omit<MethodDescription, "kind"> &
      Omit<StreamDescription, "kind" | "errors"> &
      Omit<EventDescription, "kind"> & { readonly kind: string }
  >;
  const { kind, number, errors = {}, optional = [] } = given;
  const isNumbered = Number.isInteger(number) && (number as number) >= 1;
  if (typeof kind !== "string" || !isNumbered) throw new TypeError(`"${name}" has no kind, or no number`);
  if (kind === "event") checkEvent(name, given);
  if (!Array.isArray(optional)) throw new TypeError(`"${name}" has an "optional" that is no list`);
  const schemas = parts.flatMap((key) => (given[key] === undefined ? [] : [[key, given[key]] as const]));
  for (const [key, schema] of [...schemas, ...Object.entries(errors)]) {
    if (schema === null && Object.hasOwn(errors, key)) continue;
    if (!isJsonSchema(schema)) throw new TypeError(`"${name}" has a ${key} that is no JSON Schema`);
  }
}

function checkEvent(
  name: string,
  { direction, fanOut, durable }: { readonly [key in "direction" | "fanOut" | "durable"]?: unknown },
): void {
  if (!["to-caller", "from-caller", "both"].includes(direction as string)) {
    throw new TypeError(`"${name}" has no direction`);
  }
  if (fanOut !== undefined && fanOut !== true) throw new TypeError(`"${name}" has a fanOut that is not true`);
  if (durable === undefined) return;
  const { maxEvents, maxAgeMs = 1_000 } = Object(durable) as Retention;
  const isCount = (value: unknown) => Number.isInteger(value) && (value as number) >= 1;
  if (isCount(maxEvents) && isCount(maxAgeMs)) return;
  throw new TypeError(`"${name}" has a durable without maxEvents, or with a wrong one`);
}
