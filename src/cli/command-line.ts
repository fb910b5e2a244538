import { parseArgs } from "node:util";
import type { Command, OptionSpec, OptionSpecs, ValuesOf } from "./command.ts";
import { UsageError } from "./exit-codes.ts";

/** The options of every command. */
export const commonOptions = {
  json: { type: "boolean", help: "one JSON object a line; `--no-json`: text. Default: text on a terminal" },
  quiet: { type: "boolean", short: "q", help: "nothing on stderr but errors" },
  help: { type: "boolean", short: "h", help: "this help" },
} as const satisfies OptionSpecs;

export interface CommandLine {
  readonly values: ValuesOf<OptionSpecs>;
  readonly positionals: readonly string[];
  readonly common: ValuesOf<typeof commonOptions>;
}

/** The command that the first words name, and the words after it. */
export function findCommand(
  commands: readonly Command[],
  words: readonly string[],
): { readonly command: Command; readonly rest: readonly string[] } | undefined {
  // A name of two words before one of one.
  for (const count of [2, 1]) {
    const name = words.slice(0, count).join(" ");
    const command = words.length >= count ? commands.find((one) => one.name === name) : undefined;
    if (command !== undefined) return { command, rest: words.slice(count) };
  }
  return undefined;
}

/** @throws UsageError */
export function parseCommandLine(command: Command, words: readonly string[]): CommandLine {
  const { values, positionals } = parsed(command, words);
  const common = values as ValuesOf<typeof commonOptions>;
  if (common.help !== true) checkPositionals(command, positionals);
  return { values, positionals, common };
}

function parsed(command: Command, words: readonly string[]): Omit<CommandLine, "common"> {
  const options = Object.entries({ ...command.options, ...commonOptions }).map(([name, spec]) => [
    name,
    bare(spec),
  ]);
  try {
    return parseArgs({
      args: [...words],
      options: Object.fromEntries(options),
      allowPositionals: true,
      allowNegative: true,
    }) as Omit<CommandLine, "common">;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function bare({ type, short, multiple }: OptionSpec) {
  return { type, ...(short !== undefined && { short }), ...(multiple !== undefined && { multiple }) };
}

function checkPositionals({ arguments: wanted = [] }: Command, given: readonly string[]): void {
  const missing = wanted[given.length];
  if (missing !== undefined && !missing.optional) throw new UsageError(`${missing.name} is missing`);
  if (given.length > wanted.length && wanted.at(-1)?.rest !== true) {
    throw new UsageError(`there is one argument too many: ${given[wanted.length]}`);
  }
}
