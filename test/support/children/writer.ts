// A client that writes without waiting until it is refused, then goes on as there is room, for so many rounds.
// Usage: node writer.js NAME BYTES OPTIONS-AS-JSON. Says how many messages were taken, and what that cost.

import { type SealpipeError, startClient } from "sealpipe";

const [name = "", bytes = "", options = "{}"] = process.argv.slice(2);
const client = await startClient(name, JSON.parse(options));
const data = new Uint8Array(Number(bytes));
const before = process.memoryUsage.rss();
let taken = 0;
let code = "";

function fill(): void {
  for (;;) {
    try {
      void client.write(1, data);
      taken += 1;
    } catch (error) {
      code = (error as SealpipeError).code;
      return;
    }
  }
}

// More leaves while the window is open; after some turns nothing does.
for (let still = 0; still < 50; still++) {
  const takenBefore = taken;
  fill();
  if (taken > takenBefore) still = 0;
  await new Promise((resolve) => setTimeout(resolve, 2));
}
const after = process.memoryUsage.rss();
process.stdout.write(
  `${JSON.stringify({ event: "full", code, taken, queued: client.queuedBytes, before, after })}\n`,
);
setInterval(() => {}, 3_600_000);
