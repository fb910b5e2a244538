import { readFileSync } from "node:fs";
import type { Writable } from "node:stream";
import { SealpipeError } from "../index.ts";
import type { Command, Context } from "./command.ts";
import { findCommand, parseCommandLine } from "./command-line.ts";
import { commands } from "./commands.ts";
import { type ExitCode, exitCodeOf, exitCodes, Stopped, UsageError } from "./exit-codes.ts";
import { helpOf, overview } from "./help.ts";
import { Output } from "./output.ts";

/** What a run has to do with. */
export interface Surroundings {
  readonly stdin: Context["stdin"];
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable;
  /** Aborts with a `Stopped`. */
  readonly signal: AbortSignal;
}

/** Runs the command that the words name. Never rejects. */
export async function run(words: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const found = findCommand(commands, words);
  if (found === undefined) return withoutCommand(words, surroundings);
  const { command, rest } = found;
  try {
    return await runCommand(command, rest, surroundings);
  } catch (error) {
    return failed(command, error, surroundings);
  }
}

async function runCommand(
  command: Command,
  words: readonly string[],
  { stdin, stdout, stderr, signal }: Surroundings,
): Promise<ExitCode> {
  const { values, positionals, common } = parseCommandLine(command, words);
  const { json = stdout.isTTY !== true, quiet = false } = common;
  const output = new Output({ stdout, stderr, json, quiet });
  if (common.help) {
    await output.raw(`${helpOf(command)}\n`);
    return exitCodes.done;
  }
  // Whatever waits for more of it would not notice otherwise.
  signal.addEventListener("abort", () => stdin.destroy());
  const code = await command.run({ values, positionals, stdin, output, signal });
  signal.throwIfAborted();
  return code;
}

function failed(command: Command, error: unknown, { stderr, stdout, signal }: Surroundings): ExitCode {
  // Whatever fails once it is to stop fails because of that.
  const reason: unknown = signal.aborted ? signal.reason : error;
  if (reason instanceof Stopped) return reason.exitCode;
  const output = new Output({ stdout, stderr, json: false, quiet: false });
  output.fail(`sealpipe ${command.name}: ${textOf(reason)}`);
  if (reason instanceof UsageError) output.fail(`See \`sealpipe ${command.name} --help\`.`);
  return exitCodeOf(reason);
}

function textOf(error: unknown): string {
  if (error instanceof SealpipeError) return `${error.message} (${error.code})`;
  if (error instanceof UsageError) return error.message;
  const { code, message, stack } = Object(error) as Partial<NodeJS.ErrnoException>;
  // The system's errors explain themselves; any other is a fault of this program's.
  return (code === undefined ? stack : message) ?? String(error);
}

async function withoutCommand(words: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const { stdout, stderr } = surroundings;
  const output = new Output({ stdout, stderr, json: false, quiet: false });
  const [first, ...others] = words;
  if (first === "--version" || first === "-V") {
    await output.raw(`${version()}\n`);
    return exitCodes.done;
  }
  if (first === "--help" || first === "-h" || (first === "help" && others.length === 0)) {
    await output.raw(`${overview(commands)}\n`);
    return exitCodes.done;
  }
  if (first === "help") return run([...others, "--help"], surroundings);
  const isGroup = first !== undefined && commands.some(({ name }) => name.startsWith(`${first} `));
  if (isGroup && (others[0] === "--help" || others[0] === "-h")) {
    await output.raw(`${overview(commands, first)}\n`);
    return exitCodes.done;
  }
  if (first === undefined) output.fail(overview(commands));
  else if (isGroup) output.fail(overview(commands, first));
  else output.fail(`sealpipe: there is no command ${words.join(" ")}; \`sealpipe --help\` lists them`);
  return exitCodes.usage;
}

/** From the file of the package, in a checkout as in what is published. */
function version(): string {
  const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return manifest.version;
}
