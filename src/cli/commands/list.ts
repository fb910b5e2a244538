import { resolve } from "node:path";
import { type AddressState, listAddresses } from "../../index.ts";
import { recordOf } from "../address-record.ts";
import { command } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { columns } from "../text-table.ts";

export const list = command({
  name: "list",
  summary: "List the addresses on this machine, and who listens there",
  details: [
    "Looks in /tmp, in this user's own directories, in those given, and wherever a sealpipe server listens. Reads" +
      " directories and the system's tables and connects to nothing, because a golang-ipc server stops listening when" +
      " somebody connects and hangs up.",
    "State: `listening`; `dead`, a socket on which no process listens, as a killed server leaves it, or as a server in" +
      " another container looks like; `unknown` on systems without /proc. Library: `sealpipe`, or `other`, which may be" +
      " golang-ipc or any program whose socket's name ends in .sock. The process is shown if this user may know it.",
    "On Windows all pipes of the machine are listed, as nothing shows whose they are.",
  ],
  options: {
    directory: {
      type: "string",
      short: "d",
      multiple: true,
      value: "DIR",
      help: "look in this directory, too",
    },
  },
  examples: [
    { command: "sealpipe list", what: "all addresses" },
    { command: 'sealpipe list --json | grep \'"state":"dead"\'', what: "the dead ones" },
  ],
  async run({ values, output }) {
    const states = await listAddresses({ directories: values.directory?.map((path) => resolve(path)) });
    if (states.length === 0) output.say("no addresses");
    const lines = columns([head, ...states.map(rowOf)]);
    if (states.length > 0) await output.text(lines[0] as string);
    for (const [index, state] of states.entries()) {
      await output.record(recordOf(state), lines[index + 1] as string);
    }
    return exitCodes.done;
  },
});

const head = ["NAME", "STATE", "LIBRARY", "OWNER", "MODE", "PROCESS", "ADDRESS"];

function rowOf(state: AddressState): string[] {
  const { name, library, mode } = recordOf(state);
  const { address, state: word, owner = "", holder } = state;
  const process = holder === undefined ? "" : `${holder.pid} ${holder.name}`;
  return [name, word, library ?? "", `${owner}`, mode ?? "", process, address];
}
