// A server that reads what it is sent and answers each request with how many messages it has by then.
// Usage: node taker.js NAME OPTIONS-AS-JSON. It says each message's bytes and SHA-256, and on `{"do": "memory"}` its
// highest resident set so far in bytes. With `"unread": true` it reads no messages, ever.

import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import { startServer } from "sealpipe";

function say(line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const [name = "", given = "{}"] = process.argv.slice(2);
const { unread, ...options } = JSON.parse(given);
const server = await startServer(name, options);
let messages = 0;
server.handle(1, () => `${messages}`);
server.on("error", (error) => say({ event: "error", code: error.code }));
server.on("connection", (connection) => {
  connection.on("status", (status) => say({ event: "status", status }));
  if (unread) return;
  connection.on("message", ({ type, data }) => {
    messages += 1;
    say({
      event: "message",
      type,
      bytes: data.length,
      sha256: createHash("sha256").update(data).digest("hex"),
    });
  });
});
say({ event: "listening" });

for await (const _ of createInterface({ input: process.stdin })) {
  say({ event: "memory", highest: process.resourceUsage().maxRSS * 1_024, now: process.memoryUsage.rss() });
}
