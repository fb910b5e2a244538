// What a program costs that starts, connects, asks, is answered and ends, beside the same on raw `net`, whole processes with
// all that Node does: `npm run bench -- --one-shot`. The library is the bundle that the package has. `--node FILE` is another Node
// for these programs. "cached": with Node's compile cache, which is filled before.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { median } from "./measure.ts";
import { libraryOf } from "./package.ts";
import { socketPath } from "./peers/peer.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "40" },
    node: { type: "string", default: process.execPath },
  },
});
const rounds = Number(values.rounds);
const execute = promisify(execFile);
const name = `sealpipe-bench-one-shot-${process.pid}`;
const cache = mkdtempSync(join(tmpdir(), "sealpipe-bench-cache-"));

interface Life {
  readonly title: string;
  readonly program: string;
  readonly arguments: readonly string[];
  readonly isCached?: boolean;
}

const encrypted = { program: "sealpipe.js", arguments: [name, "{}"] };
const plain = { program: "sealpipe.js", arguments: [`${name}-plain`, '{"encryption":false}'] };
const lives: readonly Life[] = [
  { title: "raw net", program: "raw-net.js", arguments: [socketPath(`${name}-net`)] },
  { title: "nothing", program: "nothing.js", arguments: [] },
  {
    title: "raw net, P-384, AES-GCM",
    program: "raw-net-sealed.js",
    arguments: [socketPath(`${name}-net`)],
  },
  { title: "sealpipe, native", ...encrypted },
  { title: "sealpipe, native, plain", ...plain },
  { title: "the same, cached", ...encrypted, isCached: true },
  { title: "the same, plain, cached", ...plain, isCached: true },
];

/** The processor time of the whole process, in milliseconds: user's and system's, of all its threads. */
async function live({ program, arguments: given, isCached = false }: Life): Promise<number> {
  const file = fileURLToPath(new URL(`one-shot/${program}`, import.meta.url));
  const env = isCached ? { ...process.env, NODE_COMPILE_CACHE: cache } : process.env;
  const { stdout } = await execute(values.node, [file, ...given], { env });
  const { user, system } = JSON.parse(stdout) as { user: number; system: number };
  return (user + system) / 1_000;
}

const { startServer } = await libraryOf();
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
rmSync(cache, { recursive: true });
