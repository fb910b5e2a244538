// What a program costs that starts, connects, asks, is answered and ends, beside the same on raw `net`, whole processes with
// all that Node does: `npm run bench -- --one-shot`. The library is the bundle that the package has.

import { execFile } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import type { startServer as StartServer } from "../dist/index.js";
import { median } from "./measure.ts";
import { socketPath } from "./peers/peer.ts";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "40" } } });
const rounds = Number(values.rounds);
const execute = promisify(execFile);
const library = "../build/bundle/index.js";
const name = `sealpipe-bench-one-shot-${process.pid}`;

interface Life {
  readonly title: string;
  readonly program: string;
  readonly arguments: readonly string[];
}

const lives: readonly Life[] = [
  { title: "raw net", program: "raw-net.js", arguments: [socketPath(`${name}-net`)] },
  { title: "sealpipe, native", program: "sealpipe.js", arguments: [name, "{}"] },
  {
    title: "sealpipe, native, plain",
    program: "sealpipe.js",
    arguments: [`${name}-plain`, '{"encryption":false}'],
  },
];

/** The processor time of the whole process, in milliseconds: user's and system's, of all its threads. */
async function live({ program, arguments: given }: Life): Promise<number> {
  const file = fileURLToPath(new URL(`one-shot/${program}`, import.meta.url));
  const { stdout } = await execute(process.execPath, [file, ...given]);
  const { user, system } = JSON.parse(stdout) as { user: number; system: number };
  return (user + system) / 1_000;
}

const { startServer } = (await import(library)) as { startServer: typeof StartServer };
const echo = createServer((socket) => socket.pipe(socket)).listen(socketPath(`${name}-net`));
const servers = [await startServer(name), await startServer(`${name}-plain`, { encryption: false })];
for (const server of servers) server.handle(1, ({ data }) => data);

const samples = new Map<Life, number[]>(lives.map((life) => [life, []]));
for (const life of lives) await live(life);
for (let round = 0; round < rounds; round++) {
  for (const life of lives) samples.get(life)?.push(await live(life));
}
const [limit] = [...samples.values()] as [number[]];
for (const [{ title }, times] of samples) {
  const ratios = times.map((time, index) => time / (limit[index] as number));
  console.log(
    `${title.padEnd(26)} ${median(times).toFixed(1).padStart(6)} ms  ${median(ratios).toFixed(2)} x raw net`,
  );
}
for (const server of servers) await server.close();
echo.close();
