import { readFile } from "node:fs/promises";
import type { ContractDescription } from "../contract/index.ts";
import { UsageError } from "./exit-codes.ts";

/** What a line of the prompt can name. */
export interface NamedMember {
  readonly name: string;
  readonly kind: "method" | "stream" | "event";
  readonly number: number;
}

/** The members of a contract's description whose data are JSON, as a line of the prompt has them. @throws UsageError */
export async function readContract(file: string): Promise<readonly NamedMember[]> {
  let description: Partial<ContractDescription>;
  try {
    description = Object(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    throw new UsageError(`--contract: ${(error as Error).message}`);
  }
  const { sealpipe, codec, members } = description;
  if (sealpipe !== "contract/1" || typeof members !== "object" || members === null) {
    throw new UsageError(`--contract: ${file} is no description of a contract`);
  }
  if (codec !== "json")
    throw new UsageError(`--contract: its codec is ${codec}, and a line can only have JSON`);
  return Object.entries(members).map(([name, { kind, number }]) => ({ name, kind, number }));
}
