// The demo's client: writes what it is ordered to, and reports what it reads, across restarts of the server.
// Usage: node client.js NAME

import { startClient } from "sealpipe";
import { onOrder, report } from "./protocol.ts";

const client = await startClient(process.argv[2] ?? "sealpipe-demo");
report({ kind: "connected", encrypted: client.encrypted, clients: 1 });
client.on("status", (status) => report({ kind: "status", status }));

onOrder(async (order) => {
  if (order.do === "write") {
    await client.write(order.type, order.text);
  } else {
    await client.close();
    process.disconnect();
  }
});

for await (const { type, text } of client) report({ kind: "received", type, text });
