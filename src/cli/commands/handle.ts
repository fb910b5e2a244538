import { performance } from "node:perf_hooks";
import type { ConnectionRequest } from "../../index.ts";
import { command } from "../command.ts";
import { serverOptions, withServer } from "../connecting.ts";
import { typeOf } from "../data.ts";
import { exitCodes, UsageError } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import { integer } from "../quantities.ts";
import { label, tellConnections } from "../serving.ts";
import { runProgram } from "../shell-program.ts";

export const handle = command({
  name: "handle",
  summary: "Be a server that answers requests by running a command",
  arguments: [{ name: "NAME" }, { name: "TYPE", optional: true }],
  details: [
    "For each request of TYPE, or of any type, the command is run by the system's shell. It reads the request's data on stdin," +
      " and what it prints is the answer. If it ends with another code than 0, the request fails with the code" +
      " ERR_EXIT_1, or whatever it ended with, and the last line that it printed on stderr. If the client gives up, the command and" +
      " all that it has started get SIGTERM.",
    "The command's environment has SEALPIPE_TYPE and SEALPIPE_CONNECTION. A client's data are never part of the command" +
      " itself.",
  ],
  options: {
    ...serverOptions,
    exec: { type: "string", short: "x", value: "COMMAND", help: "the command" },
    concurrency: {
      type: "string",
      value: "COUNT",
      help: "how many may run at a time for each client; default 8",
    },
  },
  examples: [
    { command: "sealpipe handle my-app 1 --exec 'tr a-z A-Z'", what: "answer in capitals" },
    {
      command: "sealpipe handle my-app --exec ./answer.sh",
      what: "a script for all types: see $SEALPIPE_TYPE",
    },
  ],
  async run({ values, positionals, output, signal }) {
    const [name = "", type] = positionals;
    const { exec } = values;
    if (exec === undefined) throw new UsageError("--exec is missing: the command that answers");
    const number = type === undefined ? undefined : typeOf(type);
    const maxConcurrentRequests = integer(values.concurrency ?? "8", "--concurrency", [1, 1_000_000]);
    const more = { maxConcurrentRequests };
    return withServer(name, { values, signal, more }, async (server) => {
      const answer = (request: ConnectionRequest) => answered(request, exec, output);
      if (number === undefined) server.handleAny(answer);
      else server.handle(number, answer);
      await tellConnections(server, output);
      await new Promise<void>((resolve) => server.on("close", resolve));
      return exitCodes.done;
    });
  },
});

async function answered(request: ConnectionRequest, exec: string, output: Output): Promise<Uint8Array> {
  const { type, data, connection, signal } = request;
  const started = performance.now();
  const env = { SEALPIPE_TYPE: `${type}`, SEALPIPE_CONNECTION: `${connection.id}` };
  const { exitCode, stdout, lastError } = await runProgram(exec, { input: data, env, signal });
  const ms = Math.round((performance.now() - started) * 1000) / 1000;
  const record = { event: "request", connection: connection.id, type, bytes: data.length, exitCode, ms };
  const text = `${label(connection)}: request ${type}, ${data.length} bytes: ended with ${exitCode} after ${ms} ms`;
  await output.record(record, text);
  if (exitCode === 0) return stdout;
  throw Object.assign(new Error(lastError || `the command ended with ${exitCode}`), {
    code: `ERR_EXIT_${exitCode}`,
  });
}
