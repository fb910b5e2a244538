import type { ConnectionMessage, Server } from "../../index.ts";
import { command } from "../command.ts";
import { serverOptions, withServer } from "../connecting.ts";
import { dataFields, shownData } from "../data.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import { integer } from "../quantities.ts";
import { label, tellConnections } from "../serving.ts";

export const listen = command({
  name: "listen",
  summary: "Be a server, and print the messages that clients send",
  arguments: [{ name: "NAME" }],
  details: [
    "Any number of clients may connect, of sealpipe and of golang-ipc. Requests and streams fail, as there is no handler;" +
      " see `sealpipe handle`. A client has to wait while whoever reads this output does not.",
  ],
  options: {
    ...serverOptions,
    count: { type: "string", short: "n", value: "COUNT", help: "end after that many messages" },
    echo: { type: "boolean", help: "send each message back to its client" },
    raw: { type: "boolean", help: "print the data of the messages alone, as they are" },
  },
  examples: [
    { command: "sealpipe listen my-app", what: "show what clients say" },
    { command: "sealpipe listen my-app --count 1 --raw > message.bin", what: "save the data of one message" },
    { command: "sealpipe listen my-app --echo --plain", what: "echo, without encryption" },
  ],
  async run({ values, positionals, output, signal }) {
    const [name = ""] = positionals;
    const max =
      values.count === undefined
        ? Number.POSITIVE_INFINITY
        : integer(values.count, "--count", [1, 2 ** 53 - 1]);
    return withServer(name, { values, signal }, async (server) => {
      if (!values.raw) await tellConnections(server, output);
      return printAll(server, { ...values, max }, output);
    });
  },
});

interface Printing {
  readonly max: number;
  readonly echo: boolean | undefined;
  readonly raw: boolean | undefined;
}

async function printAll(server: Server, { max, echo, raw }: Printing, output: Output): Promise<ExitCode> {
  let count = 0;
  for await (const message of server) {
    if (raw) await output.raw(message.data);
    else await print(message, output);
    if (echo) await message.connection.write(message.type, message.data);
    count += 1;
    if (count >= max) break;
  }
  return exitCodes.done;
}

async function print({ type, data, connection }: ConnectionMessage, output: Output): Promise<void> {
  const record = { event: "message", connection: connection.id, type, ...dataFields(data) };
  await output.record(record, `${label(connection)}: ${type} ${shownData(data)}`);
}
