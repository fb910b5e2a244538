import type { Contract } from "../contract/index.ts";
import type { Kind } from "./frames.ts";
import { checkOptions, invalidOption } from "./port-options.ts";

export interface BridgeOptions<Name extends string = string> {
  /** The members of the contract that the other end may use: the fewer, the better. */
  readonly allow: readonly Name[];
  /** How many calls and streams may be under way, 1 or more. Default 256; further ones are refused with `ERR_QUEUE_FULL`. */
  readonly maxConcurrent?: number | undefined;
}

export interface ParsedBridgeOptions {
  readonly members: ReadonlyMap<string, Kind>;
  readonly maxConcurrent: number;
}

/** @throws PortError `ERR_INVALID_OPTION` */
export function parseBridgeOptions(contract: Contract, options: BridgeOptions): ParsedBridgeOptions {
  const { allow, maxConcurrent = 256 } = checkOptions(options, ["allow", "maxConcurrent"]);
  if (!Number.isSafeInteger(maxConcurrent) || maxConcurrent < 1)
    throw invalidOption(`maxConcurrent must be an integer from 1, not ${String(maxConcurrent)}`);
  return { members: membersOf(contract, allow), maxConcurrent };
}

/** Those that are allowed. Own properties alone: a page may say any name. */
function membersOf(contract: Contract, allow: unknown): ReadonlyMap<string, Kind> {
  if (!Array.isArray(allow)) throw invalidOption("allow must be a list of the contract's members");
  return new Map(
    allow.map((name: string) => {
      const member = Object.hasOwn(contract, name) ? contract[name] : undefined;
      if (member === undefined) throw invalidOption(`the contract has no "${String(name)}"`);
      const isDuplex = member.kind === "stream" && member.items !== undefined;
      return [name, isDuplex ? "duplex" : member.kind];
    }),
  );
}
