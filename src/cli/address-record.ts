import { basename } from "node:path";
import type { AddressState } from "../index.ts";
import type { OutputRecord } from "./output.ts";

/** What is known of an address, for JSON. */
export function recordOf(state: AddressState): OutputRecord & {
  readonly name: string;
  readonly library: string | undefined;
  readonly mode: string | undefined;
} {
  const { address, isSealpipe, owner, mode, changedAt, holder, objection } = state;
  return {
    name: basename(address.replaceAll("\\", "/"), ".sock"),
    address,
    state: state.state,
    library: isSealpipe === undefined ? undefined : isSealpipe ? "sealpipe" : "other",
    owner,
    mode: mode?.toString(8).padStart(4, "0"),
    since: changedAt === undefined ? undefined : new Date(changedAt).toISOString(),
    pid: holder?.pid,
    process: holder?.name,
    objection,
  };
}
