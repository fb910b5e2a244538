// The worker of message-port.ts.

import { type MessagePort, parentPort } from "node:worker_threads";
import { startServer } from "sealpipe";
import { PortDuplex } from "./port-duplex.ts";

const server = await startServer("shouter", { listen: false, authenticatedBy: "transport" });
server.handle(1, ({ text }) => text.toUpperCase());
server.on("message", async ({ text, connection }) => {
  await connection.write(2, `${text.length} characters`);
});

parentPort?.on("message", async (message: MessagePort | "end") => {
  if (message !== "end") {
    server.accept(new PortDuplex(message));
    return;
  }
  await server.close();
  parentPort?.close();
});
