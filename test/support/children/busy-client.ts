// A client whose event loop stands still now and then, for longer than its keepalive allows its server.
// Usage: node busy-client.js NAME TIMES BUSY-MS OPTIONS-AS-JSON. Says which errors came, and whether it still gets answers.

import { setTimeout as delay } from "node:timers/promises";
import { startClient } from "sealpipe";

const [name = "", times = "", busyMs = "", options = "{}"] = process.argv.slice(2);
const client = await startClient(name, JSON.parse(options));
const errors: string[] = [];
client.on("error", ({ code }) => errors.push(code));

for (let time = 0; time < Number(times); time++) {
  // At another point between two pings each time.
  await delay(time * 13);
  const until = performance.now() + Number(busyMs);
  while (performance.now() < until);
}
const answer = await client.request(1, "still there?");
process.stdout.write(`${JSON.stringify({ event: "done", errors, answer: answer.text })}\n`);
await client.close();
