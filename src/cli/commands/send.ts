import { type Client, PeerError } from "../../index.ts";
import { command } from "../command.ts";
import { clientOptions, endWith, withClient } from "../connecting.ts";
import { dataFields, dataOf, dataOptions, decoded, openInput, shownData, typeOf } from "../data.ts";
import { exitCodes, UsageError } from "../exit-codes.ts";
import { linesOf } from "../lines.ts";
import type { Output } from "../output.ts";
import { durationMs, integer } from "../quantities.ts";
import { within } from "../within.ts";

export const send = command({
  name: "send",
  summary: "Send a message, or one for each line of a file",
  arguments: [{ name: "NAME" }, { name: "TYPE" }, { name: "DATA", optional: true }],
  details: [
    "Waits until the server's program has read all of it; of a golang-ipc server, which acknowledges nothing, until all has left." +
      " With --expect it then prints that many messages that the server sends.",
  ],
  options: {
    ...clientOptions,
    ...dataOptions,
    lines: { type: "boolean", short: "l", help: "each line of FILE is a message" },
    expect: { type: "string", short: "e", value: "COUNT", help: "print that many messages of the server" },
    raw: { type: "boolean", help: "print their data alone, as they are" },
    timeout: {
      type: "string",
      short: "t",
      value: "TIME",
      help: "how long the server may take to read, and for each message; default 5s",
    },
  },
  examples: [
    { command: "sealpipe send my-app 5 hello", what: "a message of type 5" },
    { command: "sealpipe send my-app 1 question --expect 1", what: "a message, and one that comes back" },
    { command: "sealpipe send my-app 2 --hex 'ff 00 ff'", what: "three bytes" },
    { command: "tail -f app.log | sealpipe send my-app 7 --lines --file -", what: "each line of a log" },
  ],
  async run({ values, positionals, stdin, output, signal }) {
    const [name = "", type = "", text] = positionals;
    const number = typeOf(type);
    const timeoutMs = durationMs(values.timeout ?? "5s", "timeout");
    const expected = integer(values.expect ?? "0", "--expect", [0, 2 ** 53 - 1]);
    if (values.lines && values.file === undefined) throw new UsageError("--lines needs --file");
    const data = values.lines ? undefined : await dataOf({ values, text, stdin });
    return withClient(name, { values, signal }, async (client) => {
      if (data !== undefined) await client.write(number, data);
      else {
        for await (const line of linesOf(endWith(client, await openInput(values.file as string, stdin)))) {
          await client.write(number, decoded(line, values));
        }
      }
      await within(client.flush(), { timeoutMs, signal, late: notRead });
      for (let count = 0; count < expected; count++)
        await printNext(client, { timeoutMs, signal }, values.raw, output);
      return exitCodes.done;
    });
  },
});

async function printNext(
  client: Client,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  raw: boolean | undefined,
  output: Output,
): Promise<void> {
  const { type, data } = await client.read(options);
  if (raw) await output.raw(data);
  else await output.record({ event: "message", type, ...dataFields(data) }, `${type} ${shownData(data)}`);
}

function notRead(timeoutMs: number): PeerError {
  return new PeerError(
    "ERR_READ_TIMEOUT",
    `the server's program has not read everything within ${timeoutMs} ms`,
  );
}
