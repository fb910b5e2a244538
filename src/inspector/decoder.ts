import { type Codec, decodeData, json } from "../contract/codec.ts";
import { type Contract, infoOf, isContract } from "../contract/contract.ts";
import { type ContractDescription, exportContract, parseDescription } from "../contract/description.ts";
import { CallerError } from "../index.ts";
import type { NamedMember } from "./event.ts";

/** What contracts say of types and their data. */
export interface Decoder {
  readonly members: readonly NamedMember[];
  /** The name of a type, if a contract has one. */
  nameOf(kind: NamedMember["kind"], type: number): string | undefined;
  /** The data as JSON, if a contract has that type and its codec can read them, and they are not JSON as they are. */
  decode(kind: NamedMember["kind"], type: number, data: Uint8Array): string | undefined;
}

interface Known extends NamedMember {
  /** None of a description, unless it is JSON. */
  readonly codec: Codec | undefined;
}

/** @throws CallerError `ERR_INVALID_OPTION` for what is neither contracts nor descriptions. */
export function decoderOf(contracts: unknown): Decoder {
  if (contracts !== undefined && !Array.isArray(contracts))
    throw new CallerError("ERR_INVALID_OPTION", "contracts must be a list");
  const members: Known[] = (contracts ?? []).flatMap(membersOf);
  const byType = new Map(members.map((member) => [`${member.kind} ${member.number}`, member]));
  return {
    members: members.map(({ name, kind, number }) => ({ name, kind, number })),
    nameOf: (kind, type) => byType.get(`${kind} ${type}`)?.name,
    decode(kind, type, data) {
      const codec = byType.get(`${kind} ${type}`)?.codec;
      // JSON is text, which is shown as it is.
      if (codec === undefined || codec.name === json.name || data.length === 0) return undefined;
      try {
        return JSON.stringify(decodeData(codec, data), shown);
      } catch {
        return undefined;
      }
    },
  };
}

function membersOf(given: unknown): Known[] {
  try {
    const isOwn = isContract(given);
    const { name, codec, members } = isOwn ? exportContract(given as Contract) : parseDescription(given);
    const own = isOwn ? infoOf(given as Contract).codec : codec === json.name ? json : undefined;
    return Object.entries(members as ContractDescription["members"]).map(([member, { kind, number }]) => ({
      name: `${name}.${member}`,
      kind,
      number,
      codec: own,
    }));
  } catch (error) {
    const why = (error as Error).message;
    throw new CallerError("ERR_INVALID_OPTION", `contracts must be contracts or descriptions: ${why}`);
  }
}

/** What JSON has no text for. */
function shown(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return `${value}`;
  if (value instanceof Uint8Array) return `base64:${Buffer.from(value).toString("base64")}`;
  return value instanceof Map ? Object.fromEntries(value) : value;
}
