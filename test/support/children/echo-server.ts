// A server that writes each message and each item of streams of type 1 back, reads nothing of streams of type 2, ends those
// of type 3 by an error, answers no request of type 1, and says what ends: a line of JSON each.
// Usage: node echo-server.js NAME OPTIONS-AS-JSON. Commands: {"do": "report"}, {"do": "end"}.

import { createInterface } from "node:readline";
import { type Connection, type SealpipeError, startServer } from "sealpipe";
import { peakRssBytes } from "../peak-memory.ts";

function say(line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const [name = "", options = "{}"] = process.argv.slice(2);
const server = await startServer(name, JSON.parse(options));
const errors: Record<string, number> = {};

async function echo(connection: Connection): Promise<void> {
  try {
    // One that does not read its answers is not read either.
    for await (const { type, data } of connection) await connection.write(type, data);
  } catch {
    // The server's `error` event has told of it.
  }
}

server.on("error", (error) => {
  const { code } = error as SealpipeError;
  errors[code] = (errors[code] ?? 0) + 1;
  say({ event: "error", code });
});
server.on("connection", (connection) => {
  connection.on("close", () => say({ event: "left", status: connection.status }));
  void echo(connection);
});

server.handle(1, () => new Promise(() => {}));
server.handleStream(1, async (stream) => {
  for await (const { data } of stream) await stream.write(data);
});
server.handleStream(
  2,
  ({ signal }) => new Promise((resolve) => signal.addEventListener("abort", () => resolve())),
);
server.handleStream(3, () => {
  throw new Error("no");
});

const lines = createInterface({ input: process.stdin }).on("line", (line) => {
  if (JSON.parse(line).do === "end") void end();
  else report();
});

function report(): void {
  const rssBytes = process.memoryUsage.rss();
  say({
    event: "report",
    rssBytes,
    peakRssBytes: peakRssBytes(),
    errors,
    connections: server.connections.length,
  });
}

/** With nothing left, the process ends by itself. */
async function end(): Promise<void> {
  server.destroy();
  await server.close();
  lines.close();
  process.stdin.destroy();
}

say({ event: "listening" });
