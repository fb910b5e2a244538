import { type ContractDescription, parseDescription } from "../contract/description.ts";
import { goOf } from "./go/go.ts";
import { pythonOf } from "./python/python.ts";
import { typescriptOf } from "./typescript/typescript.ts";

export type Language = "go" | "python" | "typescript";

export const languages: readonly Language[] = ["go", "python", "typescript"];

export interface GenerateOptions {
  /** Of Go's code. Default: the contract's name in lower-case letters and digits. */
  readonly packageName?: string | undefined;
}

/**
 * Code of a contract: its types, a client for those who call it and an interface for those who implement it. The same for the same
 * contract.
 *
 * @param description As `exportContract` gives it, or one written by hand.
 * @throws TypeError for what is no description of a contract; CallerError `ERR_NOT_EXPRESSIBLE` for what has no type in that language,
 *   `ERR_INVALID_ARGUMENT` for a `packageName` that is none.
 */
export function generate(description: unknown, language: Language, options: GenerateOptions = {}): string {
  const parsed: ContractDescription = parseDescription(description);
  if (language === "go") return goOf(parsed, options.packageName);
  return language === "python" ? pythonOf(parsed) : typescriptOf(parsed);
}
