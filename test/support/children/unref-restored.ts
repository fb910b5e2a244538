// A server that does not keep its process alive and whose socket vanishes once: says when it is back, and then must end.
// Usage: node unref-restored.js DIRECTORY

import { existsSync, unlinkSync } from "node:fs";
import { startServer } from "sealpipe";

const [directory = ""] = process.argv.slice(2);
const server = await startServer("my-app", { directory, addressCheckIntervalMs: 2 });
server.unref();
unlinkSync(server.address);
const poll = setInterval(() => {
  if (!existsSync(server.address)) return;
  clearInterval(poll);
  process.stdout.write(`${JSON.stringify({ event: "restored" })}\n`);
}, 1);
