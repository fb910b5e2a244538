import type { ArgumentSpec, Command, OptionSpec, OptionSpecs } from "./command.ts";
import { commonOptions } from "./command-line.ts";

const width = 80;

/** The first page: all commands, or those whose names begin with that word. */
export function overview(commands: readonly Command[], group?: string): string {
  const shown = group === undefined ? commands : commands.filter(({ name }) => name.startsWith(`${group} `));
  const rows = shown.map(({ name, summary }): Row => [name, summary]);
  return [
    `Usage: sealpipe ${group === undefined ? "" : `${group} `}COMMAND [OPTION]...`,
    "",
    ...table(rows),
    "",
    "`sealpipe COMMAND --help` shows the options of a command and examples; `sealpipe --version` the version.",
    "Results go to stdout: text on a terminal, otherwise one JSON object a line. All else goes to stderr.",
  ].join("\n");
}

/** All about one command. */
export function helpOf(command: Command): string {
  const { summary, details = [], examples } = command;
  return [
    `Usage: sealpipe ${usageOf(command)}`,
    "",
    `${summary}.`,
    ...details.flatMap((paragraph) => ["", ...wrapped(paragraph, width)]),
    "",
    "Options:",
    ...optionTable({ ...command.options, ...commonOptions }),
    "",
    "Examples:",
    ...examples.flatMap(({ command: line, what }) => [`  # ${what}`, `  ${line}`]),
  ].join("\n");
}

export function usageOf({ name, arguments: wanted = [] }: Command): string {
  return [name, "[OPTION]...", ...wanted.map(shownArgument)].join(" ");
}

function shownArgument({ name, optional, rest }: ArgumentSpec): string {
  const shown = rest ? `${name}...` : name;
  return optional ? `[${shown}]` : shown;
}

/** An option as it is typed: `-d, --directory DIR`. */
function shownOption(name: string, spec: OptionSpec): string {
  const { short, value } = spec;
  const typed = typedOption(name, spec);
  const dashes = short === undefined ? `    ${typed}` : `-${short}, ${typed}`;
  return value === undefined ? dashes : `${dashes} ${value}`;
}

export function typedOption(name: string, { negative }: OptionSpec): string {
  return negative ? `--no-${name}` : `--${name}`;
}

function optionTable(options: OptionSpecs): string[] {
  return table(Object.entries(options).map(([name, spec]): Row => [shownOption(name, spec), spec.help]));
}

type Row = readonly [left: string, right: string];

/** Two columns, the right one wrapped. */
function table(rows: readonly Row[]): string[] {
  const left = Math.max(...rows.map(([name]) => name.length)) + 4;
  return rows.flatMap(([name, text]) => {
    const [first = "", ...rest] = wrapped(text, width - left);
    return [`  ${name}`.padEnd(left) + first, ...rest.map((line) => " ".repeat(left) + line)];
  });
}

function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
