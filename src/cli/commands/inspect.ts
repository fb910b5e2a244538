import type { ContractDescription } from "../../contract/index.ts";
import { command } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { serveTap, tapName, tapOptions } from "../tap-serving.ts";

async function readContract(file: string): Promise<ContractDescription> {
  return (await import("../contract-files.ts")).readContract(file);
}

export const inspect = command({
  name: "inspect",
  summary: "Show what passes between clients and a server on a page in the browser",
  arguments: [{ name: "NAME" }],
  details: [
    "A tap, as `sealpipe tap` is one, whose page shows its connections, messages, requests and streams as they happen, with latencies" +
      " and plots. The page is served on 127.0.0.1, at a random port; what follows the # of its address is a secret that is made anew each" +
      " time. Data are hidden unless --data asks for them.",
    "To look into a program of your own without a tap, call startInspector of sealpipe/inspector in it.",
  ],
  options: {
    ...tapOptions,
    data: { type: "boolean", help: "show data, and not only their sizes" },
    contract: {
      type: "string",
      value: "FILE",
      help: "names types and decodes data: a module that exports the contract, or its description in JSON",
    },
  },
  examples: [
    {
      command: "sealpipe inspect my-app --as my-app-debug",
      what: "then open the page, and start the client with the name my-app-debug",
    },
    { command: "sealpipe inspect my-app --data --contract contract.json", what: "with data and names" },
  ],
  async run({ values, positionals, output, signal }) {
    const [name = ""] = positionals;
    tapName(name, values);
    const contracts = values.contract === undefined ? [] : [await readContract(values.contract)];
    const { startInspector } = await import("../../inspector/index.ts");
    // The tap is two ends of each connection; what its clients see is what is asked about.
    const inspector = await startInspector({
      title: name,
      side: "server",
      payloads: values.data ?? false,
      contracts,
    });
    try {
      const { url } = inspector;
      await output.record({ event: "inspecting", name, url }, `open ${url}`);
      await serveTap({ name, values, output, signal, passed: async () => {} });
    } finally {
      await inspector.close();
    }
    return exitCodes.done;
  },
});
