import { command } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";

export const contractExport = command({
  name: "contract export",
  summary: "Print a contract as JSON",
  arguments: [{ name: "MODULE" }],
  details: [
    "Imports the module, which runs it, and prints the contract that it exports, with JSON Schemas of what goes over the wire. Keep the output as a file beside the code:" +
      " `contract check` compares with it, and `contract generate` makes code of it for other languages.",
    "A module in TypeScript is imported if Node can do so itself, from 22.18 on.",
  ],
  options: {
    contract: { type: "string", value: "NAME", help: "which one, if the module exports several" },
  },
  examples: [{ command: "sealpipe contract export ./contract.js > contract.json", what: "into a file" }],
  async run({ values, positionals, output }) {
    const { readContract } = await import("../contract-files.ts");
    const [file = ""] = positionals;
    const description = await readContract(file, values.contract);
    await output.raw(`${JSON.stringify(description, undefined, 2)}\n`);
    return exitCodes.done;
  },
});
