// The demo's server: answers each greeting, and tells all clients the news it is ordered to tell.
// Usage: node server.js NAME

import { startServer } from "sealpipe";
import { onOrder, report, types } from "./protocol.ts";

const server = await startServer(process.argv[2] ?? "sealpipe-demo");
report({ kind: "status", status: server.status });
server.on("status", (status) => report({ kind: "status", status }));

server.on("connection", (connection) => {
  report({ kind: "connected", encrypted: connection.encrypted, clients: countConnected() });
  // A client that closes is gone at once. One that was killed is waited for, "reconnecting", in case it comes back.
  connection.on("status", () => report({ kind: "left", clients: countConnected() }));
});

function countConnected(): number {
  return server.connections.filter(({ status }) => status === "connected").length;
}

onOrder(async (order) => {
  if (order.do === "write") {
    await server.broadcast(order.type, order.text);
  } else {
    await server.close();
    process.disconnect();
  }
});

for await (const { type, text, connection } of server) {
  report({ kind: "received", type, text });
  if (type === types.greeting) await connection.write(types.answer, `welcome, ${text}`);
}
