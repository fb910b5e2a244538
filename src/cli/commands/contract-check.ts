import { command } from "../command.ts";
import { exitCodes, UsageError } from "../exit-codes.ts";

const sides = ["older-callers", "newer-callers"] as const;

export const contractCheck = command({
  name: "contract check",
  summary: "Name what breaks between two versions of a contract",
  arguments: [{ name: "OLD" }, { name: "NEW" }],
  details: [
    "Each is a file that `contract export` has written, or a module that exports a contract. A change breaks `older-callers` if" +
      " programs that call the older version cannot use a newer implementation, and `newer-callers` if it is the other way" +
      " round. The exit code is 1 if a change breaks programs.",
  ],
  options: {
    contract: { type: "string", value: "NAME", help: "which one, if a module exports several" },
    for: {
      type: "string",
      value: "WHO",
      choices: sides,
      help: "only what breaks these counts: older-callers or newer-callers; default: both",
    },
  },
  examples: [
    {
      command: "sealpipe contract check contract.json ./contract.js",
      what: "in CI: does the new version break programs?",
    },
    {
      command: "sealpipe contract check --for older-callers contract.json ./contract.js",
      what: "the daemon is never older than the programs that call it",
    },
  ],
  async run({ values, positionals, output }) {
    const [older = "", newer = ""] = positionals;
    const { for: who, contract } = values;
    if (who !== undefined && !sides.some((side) => side === who))
      throw new UsageError(`--for is ${sides.join(" or ")}, not ${who}`);
    const { checkContract } = await import("../../contract/changes.ts");
    const { readContract } = await import("../contract-files.ts");
    const changes = checkContract(await readContract(older, contract), await readContract(newer, contract));
    const counts = changes.map(({ breaks }) => breaks.some((side) => who === undefined || side === who));
    for (const [index, { member, what, breaks }] of changes.entries()) {
      const breaking = counts[index] as boolean;
      const whose = breaks.length === 0 ? "" : ` (${breaks.join(", ")})`;
      const text = `${breaking ? "breaking  " : "compatible"}  ${member === undefined ? "" : `${member}: `}${what}${whose}`;
      await output.record({ breaking, member, what, breaks }, text);
    }
    if (changes.length === 0) output.say("no changes");
    return counts.includes(true) ? exitCodes.failed : exitCodes.done;
  },
});
