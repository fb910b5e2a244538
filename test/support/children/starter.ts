// Starts and closes servers as it is told, one command a line of JSON: {"do": "start", "name", "options", "at"} begins at
// that instant, in milliseconds since 1970; {"do": "close"}. A server answers each message with this process's id.
// Usage: node starter.js

import { createInterface } from "node:readline";
import { SealpipeError, type Server, startServer } from "sealpipe";

function say(line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function start(name: string, options: object, at: number): Promise<Server | undefined> {
  // Without a pause: a timer would come late by as much as a start takes.
  while (Date.now() < at);
  try {
    const server = await startServer(name, options);
    server.on("message", ({ type, connection }) => connection.write(type, String(process.pid)));
    say({ event: "listening" });
    return server;
  } catch (error) {
    if (!(error instanceof SealpipeError)) throw error;
    say({ event: "failed", code: error.code, message: error.message });
    return undefined;
  }
}

say({ event: "ready" });
let server: Server | undefined;
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  if (command.do === "start") {
    server = await start(command.name, command.options, command.at);
  } else {
    await server?.close();
    server = undefined;
    say({ event: "closed" });
  }
}
