import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { performance } from "node:perf_hooks";
import type { Context, OptionSpecs } from "../command.ts";
import { command } from "../command.ts";
import { type ExitCode, exitCodes, UsageError } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import { headRecord, type Passed, type Recorded, toLine, toRecord } from "../recording.ts";
import { serveTap, tapName, tapOptions } from "../tap-serving.ts";

const options = {
  ...tapOptions,
  data: { type: "boolean", negative: true, help: "show no data, only their sizes" },
} as const satisfies OptionSpecs;

const details = [
  "The tap is a server at another name, and connects to NAME once for each client that connects to it: start the client" +
    " with that name. Both connections are encrypted, each by itself, and if the ends share a secret, the tap needs it: nobody" +
    " can listen in without it. Requests, streams, failures and traces go through in both directions.",
  "A message may pass a request or a stream that was sent before it, or be passed; of each kind the order is kept. A" +
    " session that breaks on one side ends on the other. The server sees the tap's process in place of the client's.",
] as const;

export const tap = command({
  name: "tap",
  summary: "Show what passes between clients and a server",
  arguments: [{ name: "NAME" }],
  details,
  options,
  examples: [
    {
      command: "sealpipe tap my-app --as my-app-debug",
      what: "then start the client with the name my-app-debug",
    },
    { command: "sealpipe tap my-app --no-data", what: "who says how much, and not what" },
  ],
  run: (context) => tapTo(context, undefined),
});

export const record = command({
  name: "record",
  summary: "Save what passes between clients and a server, for `sealpipe replay`",
  arguments: [{ name: "NAME" }, { name: "FILE" }],
  details: [
    ...details,
    "FILE is made anew and only its user can read it: it has all data as they were sent, secrets among them. It must not exist.",
  ],
  options,
  examples: [{ command: "sealpipe record my-app session.ndjson", what: "until Ctrl-C" }],
  async run(context) {
    const [, file = ""] = context.positionals;
    const stream = createWriteStream(file, { flags: "wx", mode: 0o600 });
    try {
      await once(stream, "open");
    } catch (error) {
      throw new UsageError(`FILE: ${(error as Error).message}`);
    }
    // Such as a disk that is full.
    const broken = new AbortController();
    stream.on("error", (error) => broken.abort(error));
    try {
      const code = await tapTo(
        { ...context, signal: AbortSignal.any([context.signal, broken.signal]) },
        stream,
      );
      broken.signal.throwIfAborted();
      return code;
    } finally {
      stream.end();
      if (!stream.closed) await once(stream, "close");
    }
  },
});

async function tapTo(context: Context<typeof options>, file: WriteStream | undefined): Promise<ExitCode> {
  const { values, positionals, output, signal } = context;
  const [name = ""] = positionals;
  tapName(name, values);
  const passed = await showing({ name, output, file, hidesData: values.data === false });
  await serveTap({ name, values, output, signal, passed });
  return exitCodes.done;
}

interface Showing {
  readonly name: string;
  readonly output: Output;
  readonly file: WriteStream | undefined;
  readonly hidesData: boolean;
}

/** Shows what passes, or writes it to the file, with the time since now. */
async function showing({
  name,
  output,
  file,
  hidesData,
}: Showing): Promise<(event: Passed) => Promise<void>> {
  const began = performance.now();
  const head = headRecord(name, new Date());
  const write = async (record: object, text: string): Promise<void> => {
    if (file === undefined) await output.record(record as Record<string, unknown>, text);
    // After an error, which ends the run.
    else if (!file.destroyed && !file.write(`${JSON.stringify(record)}\n`)) await once(file, "drain");
  };
  await write(head, `tapping ${name}`);
  return async (event) => {
    const recorded: Recorded = { ms: Math.round((performance.now() - began) * 1000) / 1000, ...event };
    if (hidesData && event.data !== undefined) {
      const { data, ...rest } = recorded;
      await write(
        { ...toRecord(rest), bytes: event.data.length },
        `${toLine(rest)} ${event.data.length} bytes`,
      );
    } else {
      await write(toRecord(recorded), toLine(recorded));
    }
  };
}
