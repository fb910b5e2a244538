import type { Command, OptionSpecs } from "./command.ts";
import { commonOptions } from "./command-line.ts";
import { typedOption, usageOf } from "./help.ts";

const exitStatus: readonly (readonly [string, string])[] = [
  ["0", "done"],
  ["1", "failed otherwise, or a check found something wrong"],
  ["2", "the arguments are wrong"],
  ["3", "no server is there, or none came in time"],
  ["4", "one end refused the other"],
  ["5", "the peer answered with an error"],
  ["6", "there was no answer in time"],
  ["7", "the connection or the session was lost"],
  ["130, 143", "ended by SIGINT or SIGTERM"],
  ["141", "whoever read the output has gone"],
];

/** The page sealpipe(1), in the language of man. */
export function manualOf(commands: readonly Command[]): string {
  return [
    ".TH SEALPIPE 1",
    ".SH NAME",
    "sealpipe \\- see and use what listens on this machine",
    ".SH SYNOPSIS",
    ...commands.flatMap((command) => [`.B sealpipe`, escaped(usageOf(command)), ".br"]),
    ".SH DESCRIPTION",
    "Results go to stdout: text on a terminal, otherwise one JSON object a line. All else goes to stderr.",
    ...commands.flatMap(section),
    ".SH OPTIONS OF ALL COMMANDS",
    ...optionList(commonOptions),
    ".SH EXIT STATUS",
    ...exitStatus.flatMap(([code, what]) => [".TP", `.B ${code}`, escaped(what)]),
    "",
  ].join("\n");
}

function section(command: Command): string[] {
  const { name, summary, details = [], options, examples } = command;
  return [
    `.SH ${escaped(name.toUpperCase())}`,
    `.B sealpipe ${escaped(usageOf(command))}`,
    ".PP",
    `${escaped(summary)}.`,
    ...details.flatMap((paragraph) => [".PP", escaped(paragraph)]),
    ...optionList(options),
    ".PP",
    "Examples:",
    ...examples.flatMap(({ command: line, what }) => [
      ".PP",
      `${escaped(what)}:`,
      ".RS",
      ".nf",
      escaped(line),
      ".fi",
      ".RE",
    ]),
  ];
}

function optionList(options: OptionSpecs): string[] {
  return Object.entries(options).flatMap(([name, spec]) => {
    const short = spec.short === undefined ? "" : `-${spec.short}, `;
    const value = spec.value === undefined ? "" : ` ${spec.value}`;
    return [".TP", `.B ${escaped(`${short}${typedOption(name, spec)}${value}`)}`, escaped(spec.help)];
  });
}

/** A line that begins with a dot or a quote would be an order, and a hyphen typeset as one. */
function escaped(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^([.'])/, "\\&$1");
}
