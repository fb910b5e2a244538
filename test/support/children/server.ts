// A server that writes each message back and says on its standard output what happens, a line of JSON each.
// Usage: node server.js NAME OPTIONS-AS-JSON. With `"requests": "never"` it says which requests come and answers none; with
// `"unread": true` it reads no messages.

import { startServer } from "sealpipe";

function say(line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const [name = "", given = "{}"] = process.argv.slice(2);
const { requests, unread, ...options } = JSON.parse(given);
const server = await startServer(name, options);
say({ event: "listening" });

server.on("error", (error) => say({ event: "error", code: error.code }));
server.on("connection", (connection) => {
  say({ event: "connection" });
  connection.on("close", () => say({ event: "left" }));
});
server.handle(1, ({ type, data }) => {
  if (requests !== "never") return data;
  say({ event: "request", type, bytes: data.length });
  return new Promise(() => {});
});

if (!unread) {
  for await (const { type, data, connection } of server) {
    say({ event: "message", type, bytes: data.length });
    await connection.write(type, data);
  }
}
