// Hashes each stream that comes and says its hash in it, and answers requests with what was asked. Usage: node server.js NAME
// OPTIONS-AS-JSON. On a line of its standard input it says what memory the process has; it ends with its input.

import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import { startServer } from "sealpipe";
import { peakRssBytes } from "../support/peak-memory.ts";

const [name = "", options = "{}"] = process.argv.slice(2);
const server = await startServer(name, JSON.parse(options));
let bytes = 0;

server.handle(1, ({ data }) => data);
server.handleStream(1, async (stream) => {
  const hash = createHash("sha256");
  for await (const { data } of stream) {
    hash.update(data);
    bytes += data.length;
  }
  await stream.write(hash.digest("hex"));
});

function say(line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

say({ event: "listening" });
for await (const _line of createInterface({ input: process.stdin })) {
  say({ event: "figures", bytes, rssBytes: process.memoryUsage.rss(), peakRssBytes: peakRssBytes() });
}
await server.close();
