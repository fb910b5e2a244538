// Starts a server at the instant it is told to, and says whether it has won the address.
// Usage: node contender.js NAME OPTIONS-AS-JSON [UMASK]. Commands, a line of JSON each: {"do": "start"}, {"do": "close"}.

import { once } from "node:events";
import { createInterface } from "node:readline";
import { SealpipeError, type Server, startServer } from "sealpipe";

const [name = "", options = "{}", umask] = process.argv.slice(2);
if (umask !== undefined) process.umask(Number.parseInt(umask, 8));

function say(line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function start(): Promise<Server | undefined> {
  try {
    const server = await startServer(name, JSON.parse(options));
    say({ event: "listening", umask: process.umask() });
    return server;
  } catch (error) {
    if (!(error instanceof SealpipeError)) throw error;
    say({ event: "failed", code: error.code, message: error.message });
    return undefined;
  }
}

say({ event: "ready" });
const lines = createInterface({ input: process.stdin });
await once(lines, "line");
const server = await start();
await once(lines, "line");
await server?.close();
lines.close();
process.stdin.unref?.();
