// A client of the soak in a process of its own.
// Usage: node client.js DIRECTORY NAME certain|careless|asking SEED
// `certain` sends messages, checks the answers and goes; a connection that is lost ends it with an error. `careless` goes on until it is
// killed, and so does `asking`, with requests.

import { startClient } from "sealpipe";
import { askAll, exchange, payload, smallSizes, types } from "./conversation.ts";

function say(line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const [directory = "", name = "", how = "", seed = ""] = process.argv.slice(2);
say({ event: "connecting" });
const client = await startClient(name, { directory, encryption: name === "sealed", retryDelayMs: 20 });
client.on("error", (error) => {
  throw error;
});
say({ event: "connected" });
if (how === "certain") {
  const sent = await exchange(client, [...smallSizes, 500_000], Number(seed));
  await client.close();
  say({ event: "done", sent });
} else if (how === "asking") {
  for (let round = 0; ; round++) {
    await askAll(client, smallSizes, round);
    if (round === 1) say({ event: "busy" });
  }
} else {
  for (let sent = 0; ; sent++) {
    await client.write(types.careless, payload((sent * 4_999) % 200_000, sent));
    await client.read();
    if (sent === 3) say({ event: "busy" });
  }
}
