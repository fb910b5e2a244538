import { PeerError } from "../../errors.ts";
import type { NativePeer } from "../../protocol/native/options.ts";
import { contractHashBytes } from "../../protocol/native/wire/offers.ts";
import type { ContractIdentity } from "../options/native-options.ts";

// What a server says about itself. Source: spec/protocol.md, "Admin".

/** What a server is, by its own words: an authenticated server's if the channel has a `secret`. */
export interface ServerDescription extends NativePeer {
  /** The types of requests and of streams that it has handlers for, without those of single connections. */
  readonly requests: readonly number[];
  readonly streams: readonly number[];
  /** The number of clients that are connected or may come back. */
  readonly connections: number;
  /** How long it has been listening, in milliseconds. */
  readonly uptimeMs: number;
}

export function encodeDescription({ contracts, ...description }: ServerDescription): string {
  const texts = contracts.map(({ name, version, hash }) => ({
    name,
    version,
    hash: Buffer.from(hash).toString("hex"),
  }));
  return JSON.stringify({ ...description, contracts: texts });
}

/** @throws PeerError `ERR_DESCRIPTION_INVALID` */
export function decodeDescription(text: string): ServerDescription {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch (cause) {
    throw invalid("is not JSON", cause as Error);
  }
  const from = Object(read) as Record<keyof ServerDescription, unknown>;
  return {
    library: member(from, "library", isString),
    application: member(from, "application", isString),
    applicationVersion: member(from, "applicationVersion", isString),
    codec: member(from, "codec", isString),
    pid: member(from, "pid", isCount),
    contracts: member(from, "contracts", isContracts).map(ownContract),
    requests: member(from, "requests", areCounts),
    streams: member(from, "streams", areCounts),
    connections: member(from, "connections", isCount),
    uptimeMs: member(from, "uptimeMs", isCount),
  };
}

interface ContractText extends Omit<ContractIdentity, "hash"> {
  readonly hash: string;
}

const hashForm = new RegExp(`^[0-9a-f]{${2 * contractHashBytes}}$`);

function member<T>(
  from: Record<keyof ServerDescription, unknown>,
  name: keyof ServerDescription,
  fits: (value: unknown) => value is T,
): T {
  const value = Object.hasOwn(from, name) ? from[name] : undefined;
  if (fits(value)) return value;
  throw invalid(`has no valid ${name}`);
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function areCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isCount);
}

function isContracts(value: unknown): value is ContractText[] {
  return Array.isArray(value) && value.every(isContract);
}

function isContract(value: unknown): value is ContractText {
  const { name, version, hash } = Object(value) as Partial<Record<keyof ContractText, unknown>>;
  return isString(name) && isString(version) && isString(hash) && hashForm.test(hash);
}

function ownContract({ name, version, hash }: ContractText): ContractIdentity {
  return { name, version, hash: new Uint8Array(Buffer.from(hash, "hex")) };
}

function invalid(what: string, cause?: Error): PeerError {
  return new PeerError("ERR_DESCRIPTION_INVALID", `the server's description ${what}`, cause && { cause });
}
