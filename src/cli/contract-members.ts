import { UsageError } from "./exit-codes.ts";

/** What a line of the prompt can name. */
export interface NamedMember {
  readonly name: string;
  readonly kind: "method" | "stream" | "event";
  readonly number: number;
}

/** The members of a contract's description whose data are JSON, as a line of the prompt has them. @throws UsageError */
export async function readMembers(file: string): Promise<readonly NamedMember[]> {
  const { readDescription } = await import("./contract-files.ts");
  const { codec, members } = await readDescription(file).catch((error: Error) => {
    throw new UsageError(`--contract: ${error.message}`);
  });
  if (codec !== "json")
    throw new UsageError(`--contract: its codec is ${codec}, and a line can only have JSON`);
  return Object.entries(members).map(([name, { kind, number }]) => ({ name, kind, number }));
}
