// A server that writes each message back and says on its standard output what happens, a line of JSON each.
// Usage: node server.js NAME OPTIONS-AS-JSON

import { startServer } from "sealpipe";

function say(line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const [name = "", options = "{}"] = process.argv.slice(2);
const server = await startServer(name, JSON.parse(options));
say({ event: "listening" });

server.on("error", (error) => say({ event: "error", code: error.code }));
server.on("connection", (connection) => {
  say({ event: "connection" });
  connection.on("close", () => say({ event: "left" }));
});

for await (const { type, data, connection } of server) {
  say({ event: "message", type, bytes: data.length });
  await connection.write(type, data);
}
