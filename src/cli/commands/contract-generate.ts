import type { Language } from "../../generate/index.ts";
import { command } from "../command.ts";
import { exitCodes, UsageError } from "../exit-codes.ts";

export const contractGenerate = command({
  name: "contract generate",
  summary: "Write the code of a contract in another language",
  arguments: [{ name: "FILE" }],
  details: [
    "The file is one that `contract export` has written, one written by hand, or a module that exports a contract. The code goes to" +
      " stdout, and is the same for the same contract: keep it beside the program, and write it anew when the contract changes.",
    "What has no type in a language fails with ERR_NOT_EXPRESSIBLE and the place in the schema.",
  ],
  options: {
    go: { type: "boolean", help: "Go, on the package sealpipe/contract" },
    python: { type: "boolean", help: "Python, on the module sealpipe.contract" },
    typescript: { type: "boolean", help: "TypeScript, on sealpipe/contract" },
    package: {
      type: "string",
      value: "NAME",
      help: "of Go's code; default: the contract's name in small letters",
    },
    contract: { type: "string", value: "NAME", help: "which one, if a module exports several" },
  },
  examples: [
    {
      command: "sealpipe contract generate --go contract.json > daemon/contract.go",
      what: "for a daemon in Go",
    },
    {
      command: "sealpipe contract generate --python ./contract.js > contract.py",
      what: "for a program in Python",
    },
  ],
  async run({ values, positionals, output }) {
    const { generate, languages } = await import("../../generate/index.ts");
    const { readContract } = await import("../contract-files.ts");
    const [file = ""] = positionals;
    const chosen = languages.filter((language) => values[language] === true);
    const [language] = chosen as [Language];
    if (chosen.length !== 1)
      throw new UsageError(`choose one of ${languages.map((each) => `--${each}`).join(", ")}`);
    if (values.package !== undefined && language !== "go") throw new UsageError("--package is for --go");
    const description = await readContract(file, values.contract);
    await output.raw(generate(description, language, { packageName: values.package }));
    return exitCodes.done;
  },
});
