import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Contract, isContract } from "../contract/contract.ts";
import { type ContractDescription, exportContract, parseDescription } from "../contract/description.ts";
import { CallerError } from "../index.ts";

/** A file with a contract: a description in JSON if its name ends in `.json`, and otherwise a module that exports contracts. */
export async function readContract(file: string, name?: string): Promise<ContractDescription> {
  return file.endsWith(".json")
    ? readDescription(file, name)
    : exportContract(await importContract(file, name));
}

/** The one contract that a module exports, or the one of that name. */
async function importContract(file: string, name?: string): Promise<Contract> {
  const exported: Record<string, unknown> = await import(pathToFileURL(resolve(file)).href);
  const all = new Set(Object.values(exported).flatMap(contractsIn));
  const named = [...all].map((contract) => ({ contract, own: exportContract(contract).name }));
  const fitting = named.filter(({ own }) => name === undefined || own === name);
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only.contract;
  const names = named.map(({ own }) => `"${own}"`).join(", ");
  if (named.length === 0) throw invalid(file, "exports no contract");
  if (name !== undefined) throw invalid(file, `has no contract "${name}"; there are ${names}`);
  throw invalid(file, `exports several contracts, of which --contract chooses one: ${names}`);
}

/** Of a CommonJS module `import` gives all exports at once. */
function contractsIn(value: unknown): Contract[] {
  if (isContract(value)) return [value];
  const inner = typeof value === "object" && value !== null ? Object.values(value) : [];
  return inner.filter(isContract);
}

/** A file with a contract's description in JSON, if it is of that name. */
export async function readDescription(file: string, name?: string): Promise<ContractDescription> {
  const text = await readFile(file, "utf8");
  let description: ContractDescription;
  try {
    description = parseDescription(JSON.parse(text));
  } catch (error) {
    throw invalid(file, (error as Error).message);
  }
  if (name !== undefined && description.name !== name)
    throw invalid(file, `is of "${description.name}", not of "${name}"`);
  return description;
}

function invalid(file: string, what: string): CallerError {
  return new CallerError("ERR_INVALID_ARGUMENT", `${file}: ${what}`);
}
