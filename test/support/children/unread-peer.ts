// A peer that sends some messages, reads nothing by itself, and stays until it is killed.
// Usage: node unread-peer.js server|client NAME COUNT. Each message has 1000 bytes, the first type is 1.

import { type Client, type Connection, startClient, startServer } from "sealpipe";

const [role = "", name = "", count = "0"] = process.argv.slice(2);
const options = { encryption: false, maxQueuedBytes: 300_000 } as const;

async function connect(): Promise<Client | Connection> {
  if (role === "client") return startClient(name, options);
  const server = await startServer(name, options);
  process.stdout.write(`${JSON.stringify({ event: "listening" })}\n`);
  return new Promise((resolve) => server.once("connection", resolve));
}

const peer = await connect();
// Not awaited one by one: the system holds less of many small writes than of a few large ones.
for (let type = 1; type <= Number(count); type++) void peer.write(type, "x".repeat(1_000));
await peer.flush();
process.stdout.write(`${JSON.stringify({ event: "ready" })}\n`);
setInterval(() => {}, 3_600_000);
