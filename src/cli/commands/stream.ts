import type { Readable } from "node:stream";
import type { Stream } from "../../index.ts";
import { command } from "../command.ts";
import { clientOptions, endWith, withClient } from "../connecting.ts";
import { dataFields, dataOf, dataOptions, decoded, openInput, shownData, typeOf } from "../data.ts";
import { exitCodes } from "../exit-codes.ts";
import { linesOf } from "../lines.ts";
import type { Output } from "../output.ts";

export const stream = command({
  name: "stream",
  summary: "Open a stream: send items, and print those that come back",
  arguments: [{ name: "NAME" }, { name: "TYPE" }, { name: "DATA", optional: true }],
  details: [
    "DATA or FILE is what the stream is opened with. The items to send are the chunks of INPUT, or its lines; without INPUT" +
      " this end sends none. The stream is over when both ends have sent all, or with exit code 5 if the server resets it.",
  ],
  options: {
    ...clientOptions,
    ...dataOptions,
    input: { type: "string", short: "i", value: "FILE", help: "a file whose content to send; `-` is stdin" },
    lines: { type: "boolean", short: "l", help: "each line of it is an item" },
    raw: { type: "boolean", help: "print the data of the items alone, as they are" },
  },
  examples: [
    { command: "sealpipe stream my-app 2 app.log", what: "a stream of type 2, opened with a file's name" },
    { command: "sealpipe stream my-app 4 --input backup.tar", what: "send a file" },
    { command: "sealpipe stream my-app 5 --input - --lines --raw", what: "lines there and back" },
  ],
  async run({ values, positionals, stdin, output, signal }) {
    const [name = "", type = "", text] = positionals;
    const number = typeOf(type);
    const data = await dataOf({ values, text, stdin });
    return withClient(name, { values, signal }, async (client) => {
      const opened = await client.openStream(number, data, { signal });
      const input =
        values.input === undefined ? undefined : endWith(client, await openInput(values.input, stdin));
      const sent = sendAll(opened, values, input);
      // Whatever ends the stream is seen by the loop, too.
      sent.catch(() => {});
      await printAll(opened, values.raw, output);
      await sent;
      return exitCodes.done;
    });
  },
});

type Input = { readonly [K in "lines" | "hex" | "base64"]: boolean | undefined } & {
  readonly file: string | undefined;
};

async function sendAll(opened: Stream, values: Input, input: Readable | undefined): Promise<void> {
  if (input !== undefined) {
    for await (const item of values.lines ? linesOf(input) : input) {
      await opened.write(values.lines ? decoded(item as Buffer, values) : (item as Buffer));
    }
  }
  opened.end();
}

async function printAll(opened: Stream, raw: boolean | undefined, output: Output): Promise<void> {
  for await (const { data } of opened) {
    if (raw) await output.raw(data);
    else await output.record({ event: "item", ...dataFields(data) }, shownData(data));
  }
}
