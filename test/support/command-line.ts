import { parseArgs } from "node:util";

/** An argument that makes no sense. */
export class UsageError extends Error {}

/** The options of a program of the tests, each with its default, all as text. */
export function readOptions<T extends Record<string, string>>(defaults: T): { [K in keyof T]: string } {
  const options = Object.fromEntries(
    Object.entries(defaults).map(([name, value]) => [name, { type: "string", default: value } as const]),
  );
  const { values } = parseArgs({ options });
  return values as { [K in keyof T]: string };
}

export interface NumberBounds {
  readonly least: number;
  readonly integer?: boolean;
}

/** @throws UsageError */
export function numberOf(option: string, text: string, { least, integer = false }: NumberBounds): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isFinite(value) && value >= least && (!integer || Number.isSafeInteger(value))) return value;
  const wanted = integer ? "an integer" : "a number";
  throw new UsageError(`--${option} takes ${wanted} of ${least} or more, not ${JSON.stringify(text)}`);
}

/** The result of `read`. If the arguments make no sense, prints why and the usage, and ends the program with 2. */
export function orUsage<T>(usage: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof UsageError) && !isParseArgsError(error)) throw error;
    console.error(`${error.message}\n\n${usage}`);
    process.exit(2);
  }
}

function isParseArgsError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS_");
}
