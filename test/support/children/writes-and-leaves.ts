// A server that writes megabytes to its first client, closes at once, and ends.
// Usage: node writes-and-leaves.js NAME OPTIONS-AS-JSON

import { type Connection, startServer } from "sealpipe";

function say(event: string): void {
  process.stdout.write(`${JSON.stringify({ event })}\n`);
}

const [name = "", options = "{}"] = process.argv.slice(2);
const server = await startServer(name, {
  maxQueuedBytes: 20_000_000,
  closeTimeoutMs: 30_000,
  ...JSON.parse(options),
});
const connected = new Promise<Connection>((resolve) => server.once("connection", resolve));
say("listening");
const connection = await connected;
for (let count = 0; count < 5; count++) void connection.write(1, new Uint8Array(1_000_000));
void connection.write(2, new Uint8Array(30_000));
const closed = server.close();
say("closing");
await closed;
