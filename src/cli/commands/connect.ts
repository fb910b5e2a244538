import { createInterface } from "node:readline";
import { command } from "../command.ts";
import { clientOptions, withClient } from "../connecting.ts";
import { readMembers } from "../contract-members.ts";
import { exitCodes } from "../exit-codes.ts";
import { appendHistory, loadHistory } from "../history.ts";
import { Prompt } from "../prompt.ts";

export const connect = command({
  name: "connect",
  summary: "Talk to a server line by line, with history and completion",
  arguments: [{ name: "NAME" }],
  details: [
    "Lines are `send TYPE DATA`, `request TYPE DATA`, `stream TYPE DATA`, `status`, `stats`, `describe`, `help` and `quit`." +
      " Messages of the server are printed as they come, and its requests fail, as there is no handler. Tab completes; the arrow" +
      " keys go through earlier lines, which are kept in the file `sealpipe/history` in XDG_STATE_HOME, or else in" +
      " ~/.local/state, that only its user can read.",
    "With --contract, a file that `sealpipe contract export` has written, the names of the contract's methods and events stand for" +
      ' their numbers: `open {"path":"notes.txt"}`.',
    "It also reads lines from a pipe; then a line that fails sets the exit code.",
  ],
  options: {
    ...clientOptions,
    contract: { type: "string", value: "FILE", help: "the description of a contract, as JSON" },
    history: { type: "boolean", negative: true, help: "neither read nor keep earlier lines" },
  },
  examples: [
    { command: "sealpipe connect my-app", what: "talk" },
    { command: "echo 'request 1 hello' | sealpipe connect my-app", what: "from a script" },
  ],
  async run({ values, positionals, stdin, output, signal }) {
    const [name = ""] = positionals;
    const contract = values.contract === undefined ? undefined : await readMembers(values.contract);
    const isTerminal = stdin.isTTY === true && !output.json;
    const keepsHistory = isTerminal && values.history !== false;
    return withClient(name, { values, signal }, async (client) => {
      const prompt = new Prompt({ client, output, signal, contract });
      const lines = createInterface({
        input: stdin,
        output: isTerminal ? process.stdout : undefined,
        terminal: isTerminal,
        prompt: `${name}> `,
        history: keepsHistory ? await loadHistory() : [],
        completer: (line, done) => void prompt.complete(line).then((found) => done(null, found)),
      });
      prompt.attach(lines, isTerminal);
      const stop = (): void => lines.close();
      signal.addEventListener("abort", stop);
      client.on("close", stop);
      // Ctrl-C drops the line, as a shell does; on an empty one it ends.
      lines.on("SIGINT", () => (lines.line === "" ? lines.close() : prompt.dropLine()));
      let failed = false;
      for await (const line of lines) {
        if (keepsHistory && line.trim() !== "") await appendHistory(line);
        const result = await prompt.run(line);
        if (result === "quit") break;
        failed ||= result === "failed";
      }
      signal.removeEventListener("abort", stop);
      lines.close();
      return failed && !isTerminal ? exitCodes.failed : exitCodes.done;
    });
  },
});
