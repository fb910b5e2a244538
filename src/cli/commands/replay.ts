import { performance } from "node:perf_hooks";
import type { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { startClient } from "../../index.ts";
import { command } from "../command.ts";
import { clientOptions, clientValues } from "../connecting.ts";
import { openInput } from "../data.ts";
import { exitCodes, UsageError } from "../exit-codes.ts";
import { linesOf } from "../lines.ts";
import { parseHead, parseRecorded, type Recorded, toLine, toRecord } from "../recording.ts";
import { Replayer } from "../replayer.ts";

export const replay = command({
  name: "replay",
  summary: "Say to a server again what the clients of a recording said",
  arguments: [{ name: "NAME" }, { name: "FILE" }],
  details: [
    "Opens a connection for each one of the recording, and sends the messages, requests and streams of its clients at the times at" +
      " which they were sent. If the recorded server had answered a request by then, it waits for the answer. What the server says is" +
      " printed as in a recording.",
    "With --check the exit code is 1 if a request was answered otherwise than in the recording; stderr says which. What was" +
      " recorded with --no-data is sent without data.",
  ],
  options: {
    ...clientOptions,
    speed: {
      type: "string",
      value: "FACTOR",
      help: "that many times as fast; `max`: without pauses; default 1",
    },
    check: { type: "boolean", help: "compare the answers with the recorded ones" },
  },
  examples: [
    { command: "sealpipe replay my-app session.ndjson", what: "as it was" },
    { command: "sealpipe replay my-app session.ndjson --speed max --check --quiet", what: "as a test" },
  ],
  async run({ values, positionals, stdin, output, signal }) {
    const [name = "", file = ""] = positionals;
    const speed = factor(values.speed ?? "1");
    const options = clientValues(values);
    const input = await openInput(file, stdin);
    const began = performance.now();
    const replayer = new Replayer({
      connect: (stop) => startClient(name, { ...options, signal: stop }),
      async passed(event) {
        const recorded: Recorded = { ms: Math.round((performance.now() - began) * 1000) / 1000, ...event };
        await output.record(toRecord(recorded), toLine(recorded));
      },
      signal,
    });
    try {
      for await (const event of recordedIn(input, file)) {
        const waitMs = event.ms / speed - (performance.now() - began);
        if (waitMs > 1) await pause(waitMs, undefined, { signal });
        await replayer.replay(event);
      }
      await replayer.finish();
    } catch (error) {
      replayer.destroy();
      throw error;
    }
    const { sent, differences } = replayer;
    output.say(`${sent} sent, ${differences.length} answers differ`);
    if (!values.check || differences.length === 0) return exitCodes.done;
    for (const difference of differences) output.fail(difference);
    return exitCodes.failed;
  },
});

function factor(text: string): number {
  if (text === "max") return Number.POSITIVE_INFINITY;
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (value > 0) return value;
  throw new UsageError(`--speed takes a factor above 0, or max, not ${text}`);
}

async function* recordedIn(input: Readable, file: string): AsyncGenerator<Recorded> {
  let number = 0;
  for await (const line of linesOf(input)) {
    number += 1;
    const where = `${file}:${number}`;
    if (number === 1) parseHead(line.toString(), where);
    else if (line.length > 0) yield parseRecorded(line.toString(), where);
  }
  if (number === 0) throw new UsageError(`${file}: it is empty`);
}
