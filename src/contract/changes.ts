import type { Contract } from "./contract.ts";
import {
  type ContractDescription,
  type EventDescription,
  exportContract,
  type MemberDescription,
  type MethodDescription,
  parseDescription,
  type StreamDescription,
} from "./description.ts";
import { canonicalJson } from "./json-schema/canonical-json.ts";
import type { JsonSchema } from "./schema.ts";
import { misfits } from "./schema-changes.ts";

/** One difference between two versions of a contract. */
export interface ContractChange {
  /** The member's name; `undefined` if it is the contract's own. */
  readonly member: string | undefined;
  /** What has changed, in words. */
  readonly what: string;
  /** Whether programs of the two versions cannot talk with each other any more. */
  readonly breaking: boolean;
  /**
   * Who is affected: callers of the older version with implementers of the newer, or the other way round. Empty if it is not
   * breaking.
   */
  readonly breaks: readonly ("older-callers" | "newer-callers")[];
}

/**
 * How a contract has changed. Whether data of one version fit the schemas of the other is told by their JSON Schemas, as far as it
 * is sure; schemas that have none are taken for equal.
 *
 * @throws TypeError for what is neither a contract nor the description of one.
 *
 * @example
 * ```ts
 * import { checkContract, contract, event } from "sealpipe/contract";
 * import { z } from "zod";
 *
 * const older = contract("files", { changed: event(2, z.string()) });
 * const newer = contract("files", { changed: event(2, z.string().nullable()) });
 * for (const { member, what, breaks } of checkContract(older, newer)) {
 *   console.log(member, what, breaks.join()); // changed data: it may be null older-callers
 * }
 * ```
 */
export function checkContract(
  older: Contract | ContractDescription,
  newer: Contract | ContractDescription,
): ContractChange[] {
  const before = descriptionOf(older);
  const after = descriptionOf(newer);
  const names = new Set([...Object.keys(before.members), ...Object.keys(after.members)]);
  return [...changesOfWhole(before, after), ...[...names].flatMap((name) => changesOf(name, before, after))];
}

/**
 * Why a caller cannot use the members that an implementer has, each with the member's name. `bySubject`: they are connected in such
 * a way that events go by subject.
 */
export function mismatches(
  caller: ContractDescription,
  implementer: ContractDescription,
  { bySubject = false }: { readonly bySubject?: boolean } = {},
): string[] {
  return Object.entries(caller.members).flatMap(([name, member]) => {
    const other = own(implementer.members, name);
    if (other !== undefined) {
      const whats = [...memberMisfits(member, other), ...(bySubject ? deliveryMisfits(member, other) : [])];
      return whats.map((what) => `${name}: ${what}`);
    }
    const stranger = nameOfNumber(implementer, member);
    return stranger === undefined ? [] : [`${name}: its number ${member.number} is that of "${stranger}"`];
  });
}

function descriptionOf(given: Contract | ContractDescription): ContractDescription {
  const isDescription = typeof (Object(given) as Partial<ContractDescription>).sealpipe === "string";
  return isDescription ? parseDescription(given) : exportContract(given as Contract);
}

const both = ["older-callers", "newer-callers"] as const;

function changesOfWhole(before: ContractDescription, after: ContractDescription): ContractChange[] {
  return (["name", "codec", "version"] as const)
    .filter((key) => before[key] !== after[key])
    .map((key) =>
      change(undefined, `its ${key} "${before[key]}" is now "${after[key]}"`, key === "version" ? [] : both),
    );
}

function changesOf(name: string, before: ContractDescription, after: ContractDescription): ContractChange[] {
  const older = own(before.members, name);
  const newer = own(after.members, name);
  if (older === undefined) {
    const taken = newer && nameOfNumber(before, newer);
    if (taken === undefined) return [change(name, "is new", [])];
    return [change(name, `is new, with the number that "${taken}" had`, both)];
  }
  if (newer === undefined) return [change(name, "is gone", ["older-callers"])];
  const changes = new Map<string, ("older-callers" | "newer-callers")[]>();
  const all = (caller: MemberDescription, implementer: MemberDescription) => [
    ...memberMisfits(caller, implementer),
    ...deliveryMisfits(caller, implementer),
  ];
  for (const what of all(older, newer)) changes.set(what, ["older-callers"]);
  for (const what of all(newer, older)) {
    changes.set(what, [...(changes.get(what) ?? []), "newer-callers"]);
  }
  if (changes.size > 0) return [...changes].map(([what, breaks]) => change(name, what, breaks));
  return canonicalJson(older) === canonicalJson(newer) ? [] : [change(name, "is described otherwise", [])];
}

function change(member: string | undefined, what: string, breaks: ContractChange["breaks"]): ContractChange {
  return { member, what, breaking: breaks.length > 0, breaks };
}

/** Why that caller cannot use the member as that implementer has it. */
function memberMisfits(caller: MemberDescription, implementer: MemberDescription): string[] {
  if (caller.kind !== implementer.kind) {
    return [`its kinds are ${[caller.kind, implementer.kind].sort().join(" and ")}`];
  }
  const numbers = [caller.number, implementer.number].sort((a, b) => a - b);
  if (caller.number !== implementer.number) return [`its numbers are ${numbers.join(" and ")}`];
  if (caller.kind === "method") return methodMisfits(caller, implementer as MethodDescription);
  if (caller.kind === "stream") return streamMisfits(caller, implementer as StreamDescription);
  if (caller.kind === "event") return eventMisfits(caller, implementer as EventDescription);
  // A kind from a later version of this library.
  return [];
}

function methodMisfits(caller: MethodDescription, implementer: MethodDescription): string[] {
  const errors = Object.entries(caller.errors ?? {}).flatMap(([code, taken]) => {
    const sent = own(implementer.errors ?? {}, code);
    if (sent === undefined) return [];
    const part = (schema: JsonSchema | null): Part => ({
      schema: schema ?? undefined,
      optional: schema === null,
    });
    return partMisfits(`the data of ${code}`, part(sent), part(taken));
  });
  return [
    ...partMisfits("input", partOf(caller, "input"), partOf(implementer, "input")),
    ...partMisfits("output", partOf(implementer, "output"), partOf(caller, "output")),
    ...errors,
  ];
}

function streamMisfits(caller: StreamDescription, implementer: StreamDescription): string[] {
  const ends = { output: [implementer, caller], items: [caller, implementer] } as const;
  const items = (["output", "items"] as const).flatMap((key) => {
    const [sender, receiver] = ends[key];
    if ((sender[key] === undefined) !== (receiver[key] === undefined))
      return [`${key}: one end has a schema, and the other has none`];
    return partMisfits(key, partOf(sender, key), partOf(receiver, key));
  });
  return [...partMisfits("input", partOf(caller, "input"), partOf(implementer, "input")), ...items];
}

function eventMisfits(caller: EventDescription, implementer: EventDescription): string[] {
  const goes = (event: EventDescription, way: string) =>
    event.direction === way || event.direction === "both";
  const ways = ["to-caller", "from-caller"].filter((way) => goes(caller, way));
  return ways.flatMap((way) => {
    if (!goes(implementer, way)) return [`the implementer does not know it as "${way}"`];
    const ends = way === "to-caller" ? ([implementer, caller] as const) : ([caller, implementer] as const);
    return partMisfits("data", partOf(ends[0], "data"), partOf(ends[1], "data"));
  });
}

/** A caller that does not listen where the implementer publishes hears nothing. */
function deliveryMisfits(caller: MemberDescription, implementer: MemberDescription): string[] {
  if (caller.kind !== "event" || implementer.kind !== "event") return [];
  const [heard, published] = [deliveryOf(caller), deliveryOf(implementer)];
  if (published === "" || published === heard) return [];
  return [`the implementer's is ${published} and the caller's is not, which over NATS hears none`];
}

function deliveryOf({ fanOut, durable }: EventDescription): "" | "fanOut" | "durable" {
  if (durable !== undefined) return "durable";
  return fanOut === true ? "fanOut" : "";
}

interface Part {
  readonly schema: JsonSchema | undefined;
  /** Whether there may be nothing. */
  readonly optional: boolean;
}

function partOf(member: MemberDescription, key: "input" | "output" | "items" | "data"): Part {
  const schema = (member as { readonly [part in typeof key]?: JsonSchema })[key];
  return { schema, optional: schema === undefined || (member.optional ?? []).includes(key) };
}

function partMisfits(what: string, sent: Part, taken: Part): string[] {
  // Whoever has no schema for it does not look at it.
  if (taken.schema === undefined) return [];
  const isUnknown = taken.schema === true || sent.schema === true;
  const missing = sent.optional && !taken.optional && !isUnknown;
  const reasons = sent.schema === undefined ? [] : misfits(sent.schema, taken.schema);
  return [...(missing ? ["it may be missing"] : []), ...reasons].map((reason) => `${what}: ${reason}`);
}

/** What has the number of a member under another name. */
function nameOfNumber(
  { members }: ContractDescription,
  { kind, number }: MemberDescription,
): string | undefined {
  return Object.entries(members).find(([, other]) => other.kind === kind && other.number === number)?.[0];
}

function own<T>(record: { readonly [key: string]: T }, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
