// The soak's server: one that encrypts and one that does not, in one process that tells its figures when it is asked.
// Usage: node --expose-gc server.js DIRECTORY
// Takes lines of JSON: {"ask": "figures", "collect": true}, {"ask": "close"}.

import { createInterface } from "node:readline";
import { type Connection, startServer } from "sealpipe";
import { types } from "./conversation.ts";
import { Gauge } from "./figures.ts";

const [directory = ""] = process.argv.slice(2);
const gauge = new Gauge();
const servers = await Promise.all(
  [true, false].map((encryption) =>
    startServer(encryption ? "sealed" : "plain", { directory, encryption, resumeWindowMs: 500 }),
  ),
);
const errors: Record<string, number> = {};
const messages = { all: 0, certain: 0 };
let clients = 0;

for (const server of servers) {
  server.on("connection", (connection) => {
    clients += 1;
    void serve(connection);
  });
  server.handle(types.ask, ({ data }) => data);
  server.on("error", ({ code }) => {
    errors[code] = (errors[code] ?? 0) + 1;
  });
}

async function serve(connection: Connection): Promise<void> {
  try {
    for await (const { type, data } of connection) {
      messages.all += 1;
      if (type === types.echo || type === types.keep) messages.certain += 1;
      if (type === types.sendAway) void connection.close();
      else if (type !== types.keep) await connection.write(type, data);
    }
  } catch {
    // The client is gone: the server's `error` event has counted why.
  }
}

function say(line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const commands = createInterface({ input: process.stdin });
commands.on("line", async (line) => {
  const { ask, collect } = JSON.parse(line);
  if (ask === "close") {
    await Promise.all(servers.map((server) => server.close()));
    say({ event: "closed" });
    commands.close();
    return;
  }
  const figures = collect ? await gauge.takeClean() : gauge.take();
  const connections = servers.reduce((sum, server) => sum + server.connections.length, 0);
  say({ event: "figures", figures, connections, clients, messages, errors });
});
say({ event: "listening" });
