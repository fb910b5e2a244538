// The demo's server: answers each greeting, and tells all clients the news it is ordered to tell.
// Usage: node server.js NAME

import { serve } from "sealpipe/contract";
import { demo } from "./contract.ts";
import { onOrder, report } from "./orders.ts";

const app = await serve(process.argv[2] ?? "sealpipe-demo", demo, {
  greet(text) {
    report({ kind: "received", member: "greet", text });
    return `welcome, ${text}`;
  },
});
app.on.note((text) => report({ kind: "received", member: "note", text }));

const { endpoint: server } = app;
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
  if (order.do === "news") await app.emit.news(order.text);
  else if (order.do === "close") {
    await app.close();
    process.disconnect();
  }
});
