// A server whose application reads nothing, and whose handlers of requests and streams of type 1 never do anything.
// Usage: node unread-server.js NAME OPTIONS-AS-JSON. On a line of its standard input it ends, if that has `end`, else it
// says how much memory is in use.

import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { startServer } from "sealpipe";

const [name = "", options = "{}"] = process.argv.slice(2);
const server = await startServer(name, JSON.parse(options));
const codes: string[] = [];
server.handle(1, () => new Promise(() => {}));
server.handleStream(1, () => new Promise(() => {}));
server.on("error", ({ code }) => codes.push(code));

function say(line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

say({ event: "listening" });

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

for await (const line of createInterface({ input: process.stdin })) {
  if (line.includes("end")) break;
  // What is collected is given back a little later, by another thread.
  for (let time = 0; time < 5; time++) {
    collectGarbage();
    await delay(20);
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  say({ event: "report", bytes: heapUsed + arrayBuffers, codes });
}
server.destroy();
await server.close();
process.exit();
