import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { type Client, SealpipeError } from "../../index.ts";
import { command } from "../command.ts";
import { clientOptions, withClient } from "../connecting.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { Histogram } from "../histogram.ts";
import type { Output } from "../output.ts";
import { durationMs, integer, shownMs } from "../quantities.ts";

export const ping = command({
  name: "ping",
  summary: "Measure how long a server takes to connect and to answer",
  arguments: [{ name: "NAME" }],
  details: [
    "Connects, shows who the server is, and sends it questions that its library answers by itself, whatever the program is" +
      " doing, as long as its event loop runs. The server's program sees a client that comes and goes.",
    "golang-ipc has no such question: of its servers, `ping` shows how long the connection took, once. While another client" +
      " is connected to a golang-ipc server, it answers nobody, and `ping` fails with ERR_HANDSHAKE_TIMEOUT.",
  ],
  options: {
    ...clientOptions,
    count: { type: "string", short: "n", value: "COUNT", help: "how many questions to send; default 10" },
    interval: { type: "string", short: "i", value: "TIME", help: "the pause between two; default 100ms" },
    timeout: {
      type: "string",
      short: "t",
      value: "TIME",
      help: "how long to wait for each answer; default 5s",
    },
  },
  examples: [
    { command: "sealpipe ping my-app", what: "is it up, and how fast?" },
    { command: "sealpipe ping my-app --wait 30s --count 1 --quiet", what: "wait until it is up" },
  ],
  async run({ values, positionals, output, signal }) {
    const [name = ""] = positionals;
    const questions = {
      count: integer(values.count ?? "10", "--count", [1, 1_000_000]),
      intervalMs: durationMs(values.interval ?? "100ms", "interval"),
      timeoutMs: durationMs(values.timeout ?? "5s", "timeout"),
      signal,
    };
    const started = performance.now();
    return withClient(name, { values, signal }, async (client) => {
      await tellPeer(client, performance.now() - started, output);
      return client.profile === "native" ? askAll(client, questions, output) : exitCodes.done;
    });
  },
});

async function tellPeer(client: Client, ms: number, output: Output): Promise<void> {
  const { address, profile, encrypted, peer } = client;
  const record = {
    event: "connected",
    address,
    profile,
    encrypted,
    ms: rounded(ms),
    pid: peer?.pid,
    library: peer?.library,
    application: peer?.application,
    applicationVersion: peer?.applicationVersion,
  };
  const who =
    peer === undefined
      ? "golang-ipc"
      : `${peer.application || "a program"} ${peer.applicationVersion}`.trim() +
        `, pid ${peer.pid}, ${peer.library}`;
  const wire = `${profile}, ${encrypted ? "encrypted" : "plain"}`;
  await output.record(record, `${address}: ${who}; ${wire}; connected in ${shownMs(ms)}`);
  if (profile === "classic") output.say("golang-ipc's wire has no ping: the rest is unknown");
}

interface Questions {
  readonly count: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

async function askAll(client: Client, questions: Questions, output: Output): Promise<ExitCode> {
  const { count, intervalMs, signal } = questions;
  const times = new Histogram();
  for (let number = 1; number <= count; number++) {
    const ms = await ask(client, questions);
    times.add(ms);
    await output.record({ event: "answer", number, ms: rounded(ms) }, `${number}: ${shownMs(ms)}`);
    if (number < count) await pause(intervalMs, undefined, { signal });
  }
  const summary = times.summary();
  const { minMs = 0, p50Ms = 0, p99Ms = 0, maxMs = 0 } = summary;
  const told = { min: minMs, median: p50Ms, "99 %": p99Ms, max: maxMs };
  const text = Object.entries(told).map(([what, ms]) => `${what} ${shownMs(ms)}`);
  await output.record({ event: "summary", ...summary }, `${times.count} answers: ${text.join(", ")}`);
  for (const line of times.lines(output.columns)) await output.text(line);
  return exitCodes.done;
}

/** How long the server's library takes to say what it is, or that it may not. */
async function ask(client: Client, { timeoutMs, signal }: Questions): Promise<number> {
  const started = performance.now();
  try {
    await client.describe({ timeoutMs, signal });
  } catch (error) {
    if (!(error instanceof SealpipeError) || error.code !== "ERR_NOT_ALLOWED") throw error;
  }
  return performance.now() - started;
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
