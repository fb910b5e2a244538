// What a method of a contract costs, beside a raw request and others that have typed calls, with JSON of 200 bytes and 64 calls in
// flight: `npm run bench -- --contracts`. Rounds in which all take turns; each figure is the median. Beside the calls that there are
// in a second stands the processor time of both ends for one, which other work on the machine changes less.

import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { question } from "./contracts/data.ts";
import { type Asking, peers } from "./contracts/peers.ts";
import { texts } from "./contracts/sealpipe.ts";
import { median } from "./measure.ts";
import { socketPath } from "./peers/peer.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "9" }, ms: { type: "string", default: "500" } },
});
const inFlight = 64;
const text = JSON.stringify(question);
assert.equal(text.length, 200);
texts.set(question, text);

interface Pair {
  readonly id: string;
  readonly app: Asking;
  /** Processor time of both ends until now, in microseconds. */
  cpuMicroseconds(): Promise<number>;
  close(): void;
}

async function start(id: string): Promise<Pair> {
  const name = `sealpipe-bench-contracts-${id}-${process.pid}`;
  const server = fork(fileURLToPath(new URL("contracts/server.ts", import.meta.url)), [id, name]);
  await once(server, "message");
  const app = await (peers[id] as (typeof peers)[string]).connect(name);
  return {
    id,
    app,
    async cpuMicroseconds() {
      const answered = once(server, "message");
      server.send("cpu");
      const [theirs] = (await answered) as [NodeJS.CpuUsage];
      const { user, system } = process.cpuUsage();
      return user + system + theirs.user + theirs.system;
    },
    close() {
      void app.close();
      server.kill();
      rmSync(socketPath(name), { force: true });
    },
  };
}

interface Measured {
  readonly callsPerSecond: number;
  /** Of both ends, in microseconds. */
  readonly cpuPerCall: number;
}

async function measure({ app, cpuMicroseconds }: Pair, ms: number): Promise<Measured> {
  let calls = 0;
  const before = await cpuMicroseconds();
  const from = performance.now();
  const one = async (): Promise<void> => {
    while (performance.now() < from + ms) {
      await app.ask(question);
      calls += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  const callsPerSecond = (calls / (performance.now() - from)) * 1_000;
  return { callsPerSecond, cpuPerCall: ((await cpuMicroseconds()) - before) / calls };
}

const pairs: Pair[] = [];
for (const id of Object.keys(peers)) pairs.push(await start(id));
for (const { id, app } of pairs) {
  const answer = await app.ask(question);
  const given = id === "raw" || id === "raw-plain" ? JSON.parse((answer as { text: string }).text) : answer;
  assert.deepEqual(given, question, id);
}
const measured = new Map<string, Measured[]>(pairs.map(({ id }) => [id, []]));
for (const pair of pairs) await measure(pair, Number(values.ms));
for (let round = 0; round < Number(values.rounds); round++) {
  for (const pair of pairs) measured.get(pair.id)?.push(await measure(pair, Number(values.ms)));
}

/** How much faster: the median of the ratios of neighbours in time, and the same by processor time. */
function ratios(one: string, other: string): [number, number] {
  const others = measured.get(other) as Measured[];
  const each = (measured.get(one) as Measured[]).map(
    (mine, round) => [mine, others[round] as Measured] as const,
  );
  return [
    median(each.map(([mine, theirs]) => mine.callsPerSecond / theirs.callsPerSecond)),
    median(each.map(([mine, theirs]) => theirs.cpuPerCall / mine.cpuPerCall)),
  ];
}

function shown(one: string, other: string): string {
  const [rate, cpu] = ratios(one, other);
  return `${rate.toFixed(2)} (${cpu.toFixed(2)})`;
}

/** Of the processor time of a call, in percent. */
function share(checked: string): string {
  return (100 * (1 - ratios(checked, "nothing")[1])).toFixed(0);
}

for (const [id, each] of measured) {
  const { title } = peers[id] as (typeof peers)[string];
  const rate = Math.round(median(each.map(({ callsPerSecond }) => callsPerSecond)));
  const cpu = median(each.map(({ cpuPerCall }) => cpuPerCall)).toFixed(1);
  console.log(`${title.padEnd(44)} ${String(rate).padStart(7)} calls/s ${cpu.padStart(6)} us of CPU`);
}
console.log(`
a contract's method, encrypted, checked by zod at both ends, by calls a second (and by processor time):
  ${shown("zod", "raw")} x a raw request of bytes, ${shown("zod", "raw-json")} x one with JSON by hand,
  ${shown("zod", "jsonrpc")} x vscode-jsonrpc, ${shown("zod", "orpc")} x oRPC, ${shown("zod", "trpc")} x tRPC
  checking takes ${share("zod")} % of its processor time by zod, ${share("json")} % by JSON Schemas`);
for (const pair of pairs) pair.close();
