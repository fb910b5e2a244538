import { type Command, command } from "../command.ts";
import { exitCodes, UsageError } from "../exit-codes.ts";
import { manualOf } from "../manual.ts";
import { completionFor, shells } from "../shell-completion.ts";

/** Made of all commands, those of this file among them. */
export function completionOf(commands: () => readonly Command[]): Command {
  return command({
    name: "completion",
    summary: "Print a script that completes commands, options and names in a shell",
    arguments: [{ name: "SHELL" }],
    details: ["SHELL is bash, zsh or fish."],
    options: {},
    examples: [
      { command: "source <(sealpipe completion bash)", what: "in ~/.bashrc; with zsh in ~/.zshrc" },
      { command: "sealpipe completion fish > ~/.config/fish/completions/sealpipe.fish", what: "for fish" },
    ],
    async run({ positionals, output }) {
      const [wanted = ""] = positionals;
      const shell = shells.find((one) => one === wanted);
      if (shell === undefined) throw new UsageError(`SHELL is one of ${shells.join(", ")}, not ${wanted}`);
      await output.raw(completionFor(shell, commands()));
      return exitCodes.done;
    },
  });
}

/** The manual, of all commands. */
export function manualCommandOf(commands: () => readonly Command[]): Command {
  return command({
    name: "manual",
    summary: "Print the manual, as a page for man",
    options: {},
    examples: [
      { command: "sealpipe manual | man -l -", what: "read it" },
      { command: "sealpipe manual > /usr/local/share/man/man1/sealpipe.1", what: "install it" },
    ],
    async run({ output }) {
      await output.raw(manualOf(commands()));
      return exitCodes.done;
    },
  });
}
