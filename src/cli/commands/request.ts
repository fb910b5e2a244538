import { performance } from "node:perf_hooks";
import { command } from "../command.ts";
import { clientOptions, withClient } from "../connecting.ts";
import { dataFields, dataOf, dataOptions, shownData, typeOf } from "../data.ts";
import { exitCodes } from "../exit-codes.ts";
import { durationMs } from "../quantities.ts";

export const request = command({
  name: "request",
  summary: "Send a request and print its answer",
  arguments: [{ name: "NAME" }, { name: "TYPE" }, { name: "DATA", optional: true }],
  details: [
    "The server has to be sealpipe; golang-ipc has no requests, but `sealpipe send --expect 1` may do. If the server's handler" +
      " fails, its code and message are shown, and the exit code is 5.",
  ],
  options: {
    ...clientOptions,
    ...dataOptions,
    timeout: {
      type: "string",
      short: "t",
      value: "TIME",
      help: "how long to wait for the answer; default 30s",
    },
    raw: { type: "boolean", help: "print the data of the answer alone, as they are" },
  },
  examples: [
    { command: 'sealpipe request my-app 1 \'{"path":"notes.txt"}\'', what: "a request of type 1" },
    {
      command: "sealpipe request my-app 3 --file photo.png --raw > small.png",
      what: "a file there, a file back",
    },
  ],
  async run({ values, positionals, stdin, output, signal }) {
    const [name = "", type = "", text] = positionals;
    const number = typeOf(type);
    const timeoutMs = durationMs(values.timeout ?? "30s", "timeout");
    const data = await dataOf({ values, text, stdin });
    return withClient(name, { values, signal }, async (client) => {
      const started = performance.now();
      const answer = await client.request(number, data, { timeoutMs, signal });
      const ms = Math.round((performance.now() - started) * 1000) / 1000;
      if (values.raw) await output.raw(answer.data);
      else await output.record({ event: "answer", ms, ...dataFields(answer.data) }, shownData(answer.data));
      return exitCodes.done;
    });
  },
});
