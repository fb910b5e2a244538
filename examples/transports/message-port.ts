// A server in a worker, which the main thread reaches through a MessagePort, a new one for each connection. Nobody else has the
// ports, so that no secret is needed.

import { once } from "node:events";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { startClient } from "sealpipe";
import { PortDuplex } from "./port-duplex.ts";

const worker = new Worker(new URL("message-port-worker.js", import.meta.url));

const client = await startClient("shouter", {
  authenticatedBy: "transport",
  transport() {
    const { port1, port2 } = new MessageChannel();
    worker.postMessage(port2, [port2 as MessagePort]);
    return new PortDuplex(port1);
  },
});
console.log((await client.request(1, "hello")).text);
await client.write(2, "x".repeat(3_000_000));
console.log((await client.read()).text);

await client.close();
worker.postMessage("end");
await once(worker, "exit");
