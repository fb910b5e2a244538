// A server in a child process, reached through the child's standard input and output. The program has started it itself, so that
// no secret is needed. It prints its log on standard error, as its standard output is the protocol's.

import { fileURLToPath } from "node:url";
import { startClient } from "sealpipe";

const child = fileURLToPath(new URL("stdio-child.js", import.meta.url));

const client = await startClient("shouter", {
  authenticatedBy: "transport",
  via: [process.execPath, child],
  retry: false,
});
console.log((await client.request(1, "hello")).text);
// The child ends when its standard input does.
await client.close();
console.log(client.status);
