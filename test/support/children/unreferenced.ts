// Starts what it is asked for and closes nothing, so that it ends by itself only if nothing keeps it awake. Says what
// happens on its standard output, a line of JSON each.
// Usage: node unreferenced.js HOW NAME

import { once } from "node:events";
import { createClient, type Message, startClient, startServer } from "sealpipe";

const [how = "", name = ""] = process.argv.slice(2);
const slowly = { retryDelayMs: 3_600_000, maxRetryDelayMs: 3_600_000, connectTimeoutMs: 7_200_000 } as const;
const small = { encryption: false, maxQueuedBytes: 10_000 } as const;

function say(line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function serverOfOurOwn(): Promise<void> {
  const server = await startServer(name);
  // A process that ends without a close leaves its socket behind, which the next server would replace.
  process.once("beforeExit", () => server.close());
  switch (how) {
    case "server":
      server.unref();
      break;
    case "server-with-clients": {
      const early = await startClient(name);
      server.unref();
      const late = await startClient(name);
      early.unref();
      late.unref();
      break;
    }
    case "connection": {
      const connected = once(server, "connection");
      const client = await startClient(name);
      const [connection] = await connected;
      server.unref();
      client.unref();
      connection.ref();
      connection.on("message", ({ text }: Message) => {
        say({ event: "message", text });
        connection.unref();
      });
      // Nothing but the server's end of the connection waits for this.
      const later = setTimeout(() => client.write(1, "kept alive"), 30);
      later.unref();
    }
  }
}

/** The parent's client is lost and comes back; from then on nothing but its connection keeps us alive. */
async function serverOfTheParent(): Promise<void> {
  const server = await startServer(name);
  process.once("beforeExit", () => server.close());
  const untilBack = setInterval(() => {}, 3_600_000);
  server.unref();
  say({ event: "listening" });
  const [connection] = await once(server, "connection");
  connection.ref();
  connection.once("message", ({ text }: Message) => {
    say({ event: "message", text });
    connection.unref();
  });
  say({ event: "connected" });
  while (connection.status !== "reconnecting") await once(connection, "status");
  while (connection.status !== "connected") await once(connection, "status");
  clearInterval(untilBack);
  say({ event: "back" });
}

async function clientOfTheParent(): Promise<void> {
  const client = await startClient(name, how === "paused" ? small : slowly);
  switch (how) {
    case "client":
      client.unref();
      break;
    case "reading":
      client.unref();
      void client.read();
      break;
    case "writes":
      client.unref();
      void client.write(1, "x".repeat(1_000_000));
      break;
    case "closes":
      client.unref();
      await client.close();
      say({ event: "closed" });
      break;
    case "ref-again":
      client.unref().ref();
      client.once("message", ({ text }) => {
        say({ event: "message", text });
        client.unref();
      });
      say({ event: "ready" });
      break;
    case "paused":
      await client.read();
      say({ event: "ready" });
      client.unref();
      break;
    case "lost-then-unref":
    case "unref-then-lost": {
      const untilLost = setInterval(() => {}, 3_600_000);
      const lost = once(client, "status");
      if (how === "unref-then-lost") client.unref();
      say({ event: "ready" });
      await lost;
      if (how === "lost-then-unref") client.unref();
      clearInterval(untilLost);
    }
  }
}

switch (how) {
  case "connecting":
    createClient(name, slowly).unref();
    break;
  case "server":
  case "server-with-clients":
  case "connection":
    await serverOfOurOwn();
    break;
  case "resumed":
    await serverOfTheParent();
    break;
  default:
    await clientOfTheParent();
}
