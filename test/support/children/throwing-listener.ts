// A server whose listener throws for a message, and what becomes of it: a line of JSON each.
// Usage: node throwing-listener.js NAME

import { once } from "node:events";
import { createConnection } from "node:net";
import { startClient, startServer } from "sealpipe";

const [name = ""] = process.argv.slice(2);

function say(line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

process.on("uncaughtException", (error) => say({ event: "uncaught", message: error.message }));

const server = await startServer(name);
server.on("message", ({ type, text, connection }) => {
  if (text === "throw") throw new Error(`the listener threw for ${type}`);
  connection.write(type, text);
});
server.on("message", async ({ type, text }) => {
  if (text === "reject") throw new Error(`the async listener rejected for ${type}`);
});
server.on("error", () => {
  throw new Error("the listener for errors threw");
});
server.once("connection", () => {
  throw new Error("the listener for connections threw");
});

const bad = await startClient(name);
const good = await startClient(name);
await bad.write(1, "throw");
await bad.write(2, "after it");
say({ event: "answered", text: (await bad.read()).text });
await bad.write(5, "reject");
say({ event: "answered", text: (await bad.read()).text });
await good.write(3, "from another");
say({ event: "answered", text: (await good.read()).text });

const stranger = createConnection(server.address);
stranger.end("GET / HTTP/1.1");
stranger.resume();
await once(stranger, "close");
await good.write(4, "to the end");
say({ event: "answered", text: (await good.read()).text });
await bad.close();
await good.close();
await server.close();
say({ event: "closed" });
