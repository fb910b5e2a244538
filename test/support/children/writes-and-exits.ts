// A client that writes 2000 numbered messages and calls process.exit: at once, or after a flush or a close.
// Usage: node writes-and-exits.js NAME PROFILE exit|flush|close

import { type ClientOptions, startClient } from "sealpipe";

const [name = "", profile, how] = process.argv.slice(2);
const client = await startClient(name, {
  profile: profile as NonNullable<ClientOptions["profile"]>,
  maxQueuedBytes: 20_000_000,
});
const padding = ".".repeat(1_000);
for (let number = 1; number <= 2_000; number++) void client.write(number, padding);
if (how === "flush") await client.flush();
if (how === "close") await client.close();
process.exit(0);
