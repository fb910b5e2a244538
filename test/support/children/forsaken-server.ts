// A server whose clients vanish: it writes to each as soon as it is there, and says what it keeps for them.
// Usage: node forsaken-server.js NAME CLIENTS BYTES OPTIONS-AS-JSON. Says when all clients are there, when all are gone, and
// on any line of its standard input what it keeps.

import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Connection, startServer } from "sealpipe";

function say(line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const [name = "", clients = "0", bytes = "0", options = "{}"] = process.argv.slice(2);
const server = await startServer(name, JSON.parse(options));
const data = new Uint8Array(Number(bytes));
const codes: Record<string, number> = {};
const givenUp: number[] = [];
let here = 0;
let gone = 0;
let lostMessages = 0;

server.on("error", (error, connection) => {
  codes[error.code] = (codes[error.code] ?? 0) + 1;
  if (connection !== undefined) givenUp.push(connection.id);
});
server.on("connection", (connection) => {
  here += 1;
  void connection.write(1, data);
  connection.on("session-lost", ({ messages }) => {
    lostMessages += messages.length;
  });
  const rss = process.memoryUsage.rss();
  connection.once("error", () => {
    gone += 1;
    if (gone === Number(clients)) say({ event: "all-gone", rss: process.memoryUsage.rss() });
  });
  if (here === Number(clients)) say({ event: "all-here", rss });
});
say({ event: "listening", rss: process.memoryUsage.rss() });

function keptFor({ queuedBytes }: Connection): number {
  return queuedBytes;
}

// Only what is still referred to counts.
setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

for await (const _ of createInterface({ input: process.stdin })) {
  // What is collected is given back a little later, by another thread.
  for (let time = 0; time < 5; time++) {
    collectGarbage();
    await delay(20);
  }
  const waiting = server.connections.filter(({ status }) => status === "reconnecting");
  say({
    event: "kept",
    sessions: waiting.length,
    bytes: waiting.map(keptFor).reduce((sum, one) => sum + one, 0),
    codes,
    givenUp,
    lostMessages,
    buffers: process.memoryUsage().arrayBuffers,
    rss: process.memoryUsage.rss(),
  });
}
