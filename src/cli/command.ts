import type { Readable } from "node:stream";
import type { ExitCode } from "./exit-codes.ts";
import type { Output } from "./output.ts";

/** One option, as `parseArgs` of node:util takes it, and for people. */
export interface OptionSpec {
  readonly type: "string" | "boolean";
  readonly short?: string;
  readonly multiple?: boolean;
  /** It is on by default, and typed as `--no-NAME`. */
  readonly negative?: boolean;
  /** What stands for its value in the help, such as `FILE`. Shells complete files for `FILE` and directories for `DIR`. */
  readonly value?: string;
  /** Its values, if there are few. */
  readonly choices?: readonly string[];
  readonly help: string;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

type ValueOf<S extends OptionSpec> = S["type"] extends "boolean"
  ? boolean
  : S extends { readonly multiple: true }
    ? string[]
    : string;

/** What was given for options: `undefined` for one that was not. */
export type ValuesOf<O extends OptionSpecs> = { readonly [K in keyof O]: ValueOf<O[K]> | undefined };

/** One of its arguments. */
export interface ArgumentSpec {
  /** In capitals, such as `NAME`. */
  readonly name: string;
  readonly optional?: boolean;
  /** Takes all that are left. Only the last one may. */
  readonly rest?: boolean;
}

export interface Example {
  readonly command: string;
  readonly what: string;
}

/** What a command gets to run with. */
export interface Context<O extends OptionSpecs = OptionSpecs> {
  readonly values: ValuesOf<O>;
  readonly positionals: readonly string[];
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly output: Output;
  /** Aborts with a `Stopped` when the user interrupts the run, or when nobody reads its output any more. */
  readonly signal: AbortSignal;
}

export interface CommandSpec<O extends OptionSpecs> {
  /** One word, or two: `contract check`. */
  readonly name: string;
  /** One line. */
  readonly summary: string;
  readonly arguments?: readonly ArgumentSpec[];
  readonly options: O;
  /** Paragraphs of the help and of the manual. */
  readonly details?: readonly string[];
  readonly examples: readonly Example[];
  run(context: Context<O>): Promise<ExitCode>;
}

/** A command, whatever its options are. */
export type Command = CommandSpec<OptionSpecs>;

/** Keeps the types of its options for `run`, and forgets them for the table of commands. */
export function command<const O extends OptionSpecs>(spec: CommandSpec<O>): Command {
  return spec as unknown as Command;
}
