import { rmSync } from "node:fs";
import { startServer } from "sealpipe";

// A server whose process ends as soon as a client has asked for that. Argument: the name.
const server = await startServer(process.argv[2] as string);
server.allowShutdown(() => {
  if (process.platform !== "win32") rmSync(server.address);
  process.exit(7);
});
console.log(JSON.stringify({ event: "listening" }));
