import { type Codec, isCodec, json } from "./codec.ts";
import { invalid, type Member, type Members } from "./members.ts";
import { type JsonSchema, jsonSchemaOf, type Schema } from "./schema.ts";

/** What a contract says of itself. */
export interface ContractInfo {
  readonly name: string;
  readonly version: string;
  readonly codec: Codec;
  readonly members: Members;
  /** The JSON Schema of a member's schema, if there is one. */
  readonly jsonSchema: (schema: Schema) => JsonSchema | undefined;
}

/** The same for every copy of this module: the command line exports contracts that a program made with its own. */
const info: unique symbol = Symbol.for("sealpipe.contract") as never;

/** The members by their names; both programs share it. Made by {@link contract}. */
export type Contract<M extends Members = Members> = { readonly [K in keyof M]: M[K] } & {
  readonly [info]: ContractInfo;
};

export interface ContractOptions {
  /** For people, and told to the peer. Default `""`. */
  readonly version?: string | undefined;
  /** How data become bytes. Default {@link json}; `sealpipe/msgpack` and `sealpipe/cbor` have others. */
  readonly codec?: Codec | undefined;
  /**
   * Makes the JSON Schema (2020-12) of what a schema takes, for libraries whose schemas do not bring it along as Standard JSON
   * Schema. Default: what the schema brings along, or nothing.
   */
  readonly jsonSchema?: ((schema: Schema) => JsonSchema | undefined) | undefined;
}

/**
 * Describes what two programs say to each other.
 *
 * @param name Up to 255 bytes, by which the two ends find that they mean the same.
 * @param members Methods, streams and events, each with a name that is an identifier, and a number of its own.
 * @throws CallerError `ERR_INVALID_ARGUMENT` for a number that two members have, a name that is none or is taken by the
 *   library, and whatever else is wrong.
 *
 * @example
 * ```ts
 * import { contract, event, method } from "sealpipe/contract";
 * import { z } from "zod";
 *
 * export const files = contract(
 *   "files",
 *   {
 *     size: method(1, { input: z.object({ path: z.string() }), output: z.number(), errors: { NOT_FOUND: null } }),
 *     changed: event(2, z.string()),
 *     watch: event(3, z.string(), { direction: "from-caller" }),
 *   },
 *   { version: "1.0.0" },
 * );
 * console.log(Object.keys(files).join(), files.size.number); // size,changed,watch 1
 * ```
 */
export function contract<M extends Members>(
  name: string,
  members: M,
  options: ContractOptions = {},
): Contract<M> {
  checkText(name, "a contract's name", 1);
  const { version = "", codec = json, jsonSchema } = checkedOptions(options);
  checkText(version, `the version of contract "${name}"`, 0);
  if (!isCodec(codec)) throw invalid(`the codec of contract "${name}" has no name, encode and decode`);
  const own = ownMembers(name, members);
  const schemaOf = (schema: Schema) => jsonSchemaOf(schema) ?? jsonSchema?.(schema);
  const about: ContractInfo = Object.freeze({ name, version, codec, members: own, jsonSchema: schemaOf });
  return Object.freeze(Object.defineProperty({ ...own }, info, { value: about })) as unknown as Contract<M>;
}

/** Whether `contract` made it, of this copy of the module or another. */
export function isContract(value: unknown): value is Contract {
  return typeof value === "object" && value !== null && Object.hasOwn(value, info);
}

/** @throws CallerError `ERR_INVALID_ARGUMENT` for what `contract` did not make. */
export function infoOf(given: Contract): ContractInfo {
  const about = (Object(given) as Partial<Contract>)[info];
  if (about === undefined) throw invalid("what is given as a contract was not made by `contract`");
  return about;
}

/** Names that an application's object has anyhow, or that the library puts beside the members. */
const reserved = new Set([
  ...["then", "catch", "finally", "on", "off", "once", "emit", "has", "stop", "close", "endpoint"],
  ...["prototype", "toJSON", ...Object.getOwnPropertyNames(Object.prototype)],
]);

const memberName = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

function ownMembers(contractName: string, members: Members): Members {
  if (typeof members !== "object" || members === null) {
    throw invalid(`contract "${contractName}" has no object of members`);
  }
  const own: Record<string, Member> = {};
  const names = new Map<number, string>();
  for (const [name, member] of Object.entries(members)) {
    if (!memberName.test(name)) {
      throw invalid(`"${name}" is no name of a member: up to 64 of A-Z a-z 0-9 _, a letter first`);
    }
    if (reserved.has(name)) throw invalid(`"${name}" is a name that the library needs itself`);
    if (!isMember(member))
      throw invalid(`"${name}" was made by none of \`method\`, \`stream\` and \`event\``);
    const other = names.get(member.number);
    if (other !== undefined) throw invalid(`"${other}" and "${name}" have the number ${member.number}`);
    names.set(member.number, name);
    own[name] = member;
  }
  return Object.freeze(own);
}

function isMember(value: unknown): value is Member {
  const { kind, number } = Object(value) as Partial<Member>;
  return (
    (kind === "method" || kind === "stream" || kind === "event") &&
    typeof number === "number" &&
    Object.isFrozen(value)
  );
}

function checkedOptions(options: ContractOptions): ContractOptions {
  const known = ["version", "codec", "jsonSchema"];
  const stranger = Object.keys(options).find((key) => !known.includes(key));
  if (stranger !== undefined) {
    throw invalid(`a contract has no option "${stranger}"; there are ${known.join(", ")}`);
  }
  return options;
}

const maxTextBytes = 255;

function checkText(text: unknown, what: string, min: number): void {
  const isText = typeof text === "string" && text.isWellFormed();
  const length = isText ? new TextEncoder().encode(text).length : -1;
  if (length >= min && length <= maxTextBytes) return;
  throw invalid(`${what} is a string of ${min} to ${maxTextBytes} bytes of UTF-8`);
}
