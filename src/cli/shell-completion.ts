import type { Command, OptionSpec } from "./command.ts";
import { commonOptions } from "./command-line.ts";
import { typedOption } from "./help.ts";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** A script that completes the program's commands, options and names in that shell. */
export function completionFor(shell: Shell, commands: readonly Command[]): string {
  return { bash, zsh, fish }[shell](commands);
}

/** The names of all addresses. */
const listNames = `sealpipe list --json 2>/dev/null | sed -n 's/^{"name":"\\([^"]*\\)".*/\\1/p'`;

function optionsOf(command: Command): (readonly [string, OptionSpec])[] {
  return Object.entries({ ...command.options, ...commonOptions });
}

/** What follows an option: a word for each shell to make candidates of. */
function valueKind({ value, choices }: OptionSpec): string {
  if (choices !== undefined) return choices.join(" ");
  return value === "FILE" || value === "DIR" ? value : "";
}

function bash(commands: readonly Command[]): string {
  const cases = commands.map((command) => {
    const words = optionsOf(command).map(([name, spec]) => typedOption(name, spec));
    return `    "${command.name}") words="${words.join(" ")}" ;;`;
  });
  const values = new Map<string, string[]>();
  for (const [name, spec] of commands.flatMap(optionsOf)) {
    if (spec.type === "boolean") continue;
    const kind = valueKind(spec);
    values.set(kind, [...new Set([...(values.get(kind) ?? []), `--${name}`])]);
  }
  const after = [...values].map(
    ([kind, names]) => `    ${names.join("|")}) ${bashCandidates(kind)}; return ;;`,
  );
  return `# bash completion for sealpipe: source <(sealpipe completion bash)
_sealpipe() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" words command first second
  local commands="${[...new Set(commands.map(({ name }) => name.split(" ")[0]))].join(" ")} help"
  COMPREPLY=()
  case "$previous" in
${after.join("\n")}
  esac
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "$commands --help --version" -- "$current"))
    return
  fi
  first="\${COMP_WORDS[1]}" second="\${COMP_WORDS[2]}"
  command="$first"
  case "$first $second" in
${subcommands(commands)
  .map((name) => `    "${name}") command="${name}" ;;`)
  .join("\n")}
  esac
  case "$command" in
${cases.join("\n")}
${groups(commands)
  .map(([group, names]) => `    "${group}") words="${names.join(" ")}" ;;`)
  .join("\n")}
  esac
  if [[ "$current" == -* || "$command" == "$first" && " ${groups(commands)
    .map(([group]) => group)
    .join(" ")} " == *" $first "* ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  else
    COMPREPLY=($(compgen -W "$(${listNames})" -- "$current") $(compgen -f -- "$current"))
  fi
}
complete -o filenames -F _sealpipe sealpipe
`;
}

function bashCandidates(kind: string): string {
  if (kind === "FILE") return 'COMPREPLY=($(compgen -f -- "$current"))';
  if (kind === "DIR") return 'COMPREPLY=($(compgen -d -W "runtime" -- "$current"))';
  return `COMPREPLY=($(compgen -W "${kind}" -- "$current"))`;
}

function subcommands(commands: readonly Command[]): string[] {
  return commands.map(({ name }) => name).filter((name) => name.includes(" "));
}

function groups(commands: readonly Command[]): [string, string[]][] {
  const found = new Map<string, string[]>();
  for (const name of subcommands(commands)) {
    const [group = "", word = ""] = name.split(" ");
    found.set(group, [...(found.get(group) ?? []), word]);
  }
  return [...found];
}

/** zsh runs bash's by its own bridge. */
function zsh(commands: readonly Command[]): string {
  return `#compdef sealpipe
# zsh completion for sealpipe: source <(sealpipe completion zsh)
autoload -U +X bashcompinit && bashcompinit
${bash(commands)}`;
}

function fish(commands: readonly Command[]): string {
  const lines = commands.flatMap((command) => {
    const [first = "", second] = command.name.split(" ");
    const seen =
      second === undefined
        ? `__fish_seen_subcommand_from ${first}`
        : `__fish_seen_subcommand_from ${first}; and __fish_seen_subcommand_from ${second}`;
    const begin =
      second === undefined
        ? `complete -c sealpipe -n __fish_use_subcommand -a ${first} -d ${quoted(command.summary)}`
        : `complete -c sealpipe -n '__fish_seen_subcommand_from ${first}' -a ${second} -d ${quoted(command.summary)}`;
    return [begin, ...optionsOf(command).map(([name, spec]) => fishOption(`'${seen}'`, name, spec))];
  });
  const starts = groups(commands).map(
    ([group]) => `complete -c sealpipe -n __fish_use_subcommand -a ${group}`,
  );
  return `# fish completion for sealpipe: sealpipe completion fish | source
function __sealpipe_names
  ${listNames}
end
complete -c sealpipe -f
${[...starts, ...lines].join("\n")}
complete -c sealpipe -n 'not __fish_use_subcommand' -a "(__sealpipe_names)"
`;
}

function fishOption(condition: string, name: string, spec: OptionSpec): string {
  const typed = typedOption(name, spec).slice(2);
  const short = spec.short === undefined ? "" : ` -s ${spec.short}`;
  const kind = valueKind(spec);
  const files = kind === "FILE" || kind === "DIR";
  const value = spec.type === "boolean" ? "" : files ? " -r -F" : ` -x${kind && ` -a '${kind}'`}`;
  return `complete -c sealpipe -n ${condition} -l ${typed}${short}${value} -d ${quoted(spec.help)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
