// The demo's client: calls the server as it is ordered to, and reports what it hears, across restarts of the server.
// Usage: node client.js NAME

import { connect } from "sealpipe/contract";
import { demo } from "./contract.ts";
import { onOrder, report } from "./orders.ts";

const server = await connect(process.argv[2] ?? "sealpipe-demo", demo);
const { endpoint: client } = server;
report({ kind: "connected", encrypted: client.encrypted, clients: 1 });
client.on("status", (status) => report({ kind: "status", status }));
server.on.news((text) => report({ kind: "received", member: "news", text }));

onOrder(async (order) => {
  if (order.do === "greet")
    report({ kind: "received", member: "greet", text: await server.greet(order.text) });
  else if (order.do === "note") await server.emit.note(order.text);
  else if (order.do === "close") {
    await server.close();
    process.disconnect();
  }
});
