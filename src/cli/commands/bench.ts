import { performance } from "node:perf_hooks";
import { type Client, SealpipeError } from "../../index.ts";
import { command } from "../command.ts";
import { clientOptions, withClient } from "../connecting.ts";
import { typeOf } from "../data.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { Histogram } from "../histogram.ts";
import type { Output } from "../output.ts";
import { durationMs, integer, shownMs } from "../quantities.ts";

export const bench = command({
  name: "bench",
  summary: "Measure how many requests or messages a live server takes",
  arguments: [{ name: "NAME" }, { name: "TYPE", optional: true }],
  details: [
    "Without TYPE, it asks what `ping` asks, which the server's library answers by itself: the speed of the wire and of the" +
      " two processes. With TYPE, it sends requests, which the server's handler of that type answers; or with --messages messages," +
      " which its program has to read. It puts the load on a real server: think of what that does to its other clients.",
    "Sizes are those of the data, which are zeros.",
  ],
  options: {
    ...clientOptions,
    messages: { type: "boolean", short: "m", help: "messages, one way, instead of requests" },
    size: { type: "string", short: "s", value: "BYTES", help: "the size of each; default 64" },
    concurrency: { type: "string", short: "c", value: "COUNT", help: "requests at a time; default 1" },
    duration: { type: "string", value: "TIME", help: "how long to send; default 3s" },
  },
  examples: [
    { command: "sealpipe bench my-app", what: "round trips, one at a time" },
    {
      command: "sealpipe bench my-app 1 --concurrency 64 --size 1024",
      what: "requests of 1 KiB, 64 at a time",
    },
    { command: "sealpipe bench my-app 5 --messages", what: "messages" },
  ],
  async run({ values, positionals, output, signal }) {
    const [name = "", type] = positionals;
    const load: Load = {
      type: type === undefined ? undefined : typeOf(type),
      data: new Uint8Array(integer(values.size ?? "64", "--size", [0, 1_073_741_824])),
      concurrency: integer(values.concurrency ?? "1", "--concurrency", [1, 100_000]),
      durationMs: durationMs(values.duration ?? "3s", "duration"),
      signal,
    };
    const measure = values.messages ? measureMessages : measureRequests;
    return withClient(name, { values, signal }, (client) => measure(client, load, output));
  },
});

interface Load {
  readonly type: number | undefined;
  readonly data: Uint8Array;
  readonly concurrency: number;
  readonly durationMs: number;
  readonly signal: AbortSignal;
}

async function measureRequests(client: Client, load: Load, output: Output): Promise<ExitCode> {
  const { type, data, concurrency, signal } = load;
  const times = new Histogram();
  const started = performance.now();
  const until = started + load.durationMs;
  const ask = type === undefined ? () => echo(client, signal) : () => client.request(type, data, { signal });
  const work = async (): Promise<void> => {
    for (let begun = performance.now(); begun < until; begun = performance.now()) {
      await ask();
      times.add(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  const perSecond = Math.round((times.count * 1000) / (performance.now() - started));
  const summary = times.summary();
  const shown = `median ${shownMs(summary.p50Ms ?? 0)}, 99 % ${shownMs(summary.p99Ms ?? 0)}`;
  await output.record(
    {
      event: "requests",
      type,
      size: type === undefined ? 0 : data.length,
      concurrency,
      perSecond,
      ...summary,
    },
    `${perSecond} requests a second: ${shown}`,
  );
  for (const line of times.lines(output.columns)) await output.text(line);
  return exitCodes.done;
}

async function echo(client: Client, signal: AbortSignal): Promise<void> {
  try {
    await client.describe({ signal });
  } catch (error) {
    if (!(error instanceof SealpipeError) || error.code !== "ERR_NOT_ALLOWED") throw error;
  }
}

async function measureMessages(client: Client, load: Load, output: Output): Promise<ExitCode> {
  const { type = 1, data, signal } = load;
  const started = performance.now();
  const until = started + load.durationMs;
  let count = 0;
  while (performance.now() < until) {
    // The clock is not read for each.
    for (let batch = 0; batch < 100; batch++, count++) await client.write(type, data);
    signal.throwIfAborted();
  }
  await client.flush();
  const seconds = (performance.now() - started) / 1000;
  const perSecond = Math.round(count / seconds);
  const mebibytesPerSecond = Math.round((count * data.length) / seconds / 10485.76) / 100;
  await output.record(
    { event: "messages", type, size: data.length, count, perSecond, mebibytesPerSecond },
    `${perSecond} messages a second, ${mebibytesPerSecond} MiB/s, ${client.profile}`,
  );
  return exitCodes.done;
}
