// sealpipe's demo: a server and two clients, three processes, that talk by a contract, encrypted, while one is restarted and
// others are killed; and a client in Go, if Go is installed. Exits with 0 only if all of it happened.

import assert from "node:assert/strict";
import { greetFromGo, isGoInstalled } from "./go-client.ts";
import { WatchedProcess } from "./watched-process.ts";
import { tapWire, type WireTap } from "./wire-tap.ts";

const name = `sealpipe-demo-${process.pid}`;
const tapName = `${name}-tap`;
const processes = new Set<WatchedProcess>();

function start(label: string, script: "server" | "client", at: string): WatchedProcess {
  const started = new WatchedProcess(label, script, at);
  processes.add(started);
  return started;
}

function step(title: string): void {
  console.log(`\n${title}`);
}

async function greet(client: WatchedProcess, server: WatchedProcess, text: string): Promise<void> {
  client.order({ do: "greet", text });
  await server.until("received", (message) => message.text === text);
  await client.until("received", (message) => message.text === `welcome, ${text}`);
}

async function tellNews(server: WatchedProcess, clients: WatchedProcess[], text: string): Promise<void> {
  server.order({ do: "news", text });
  for (const client of clients) await client.until("received", (message) => message.text === text);
}

function showWire(tap: WireTap, spoken: string[]): void {
  const fromServer = Buffer.concat(tap.fromServer);
  const fromClient = Buffer.concat(tap.fromClient);
  assert.deepEqual([...fromServer.subarray(0, 2)], [2, 1], "the server begins with version 2, encrypted");
  assert.ok(fromClient.length > 1 + 97 + 1, "the client has sent more than its handshake");
  const wire = Buffer.concat([fromServer, fromClient]);
  for (const text of spoken) assert.ok(!wire.includes(text), `the wire shows "${text}"`);
  console.log(
    `  ${fromServer.length + fromClient.length} bytes passed; client one's first request among them:`,
  );
  console.log(
    `  ${fromClient
      .subarray(99, 99 + 48)
      .toString("hex")
      .replace(/(.{8})/g, "$1 ")}…`,
  );
  console.log(`  none of the ${spoken.length} texts that were spoken can be found in them`);
}

async function greetInGo(server: WatchedProcess): Promise<void> {
  if (!isGoInstalled()) {
    console.log("  left out: Go is not installed");
    return;
  }
  const text = "this is Go";
  const [, lines] = await Promise.all([
    server.until("received", (message) => message.text === text),
    greetFromGo(name, text),
  ]);
  assert.match(lines[0] ?? "", /profile native, encrypted true/);
  assert.match(lines[1] ?? "", /greet answered "welcome, this is Go"/);
  await server.until("left", ({ clients }) => clients === 2);
}

async function demonstrate(tap: WireTap): Promise<void> {
  step("A server and two clients, each a process of its own; client one is connected through a wire tap");
  let server = start("server", "server", name);
  await server.until("status", ({ status }) => status === "listening");
  const one = start("client 1", "client", tapName);
  let two = start("client 2", "client", name);
  for (const client of [one, two]) assert.ok((await client.until("connected")).encrypted);

  step("Clients call the server, and the server tells all of them");
  await greet(one, server, "this is client one");
  await greet(two, server, "this is client two");
  await tellNews(server, [one, two], "news for everyone");

  step("What the wire tap saw");
  showWire(tap, ["this is client one", "welcome", "news for everyone"]);

  step("A client in Go joins, with code that was generated from the contract");
  await greetInGo(server);

  step("Client two is killed; the server and client one go on");
  await two.kill();
  await server.until("left", ({ clients }) => clients === 1);
  await greet(one, server, "still here");

  step("Client two is started again");
  two = start("client 2", "client", name);
  assert.ok((await two.until("connected")).encrypted);
  await greet(two, server, "back again");

  step("The server is killed; the clients notice, and what client two writes meanwhile waits");
  await server.kill();
  for (const client of [one, two]) await client.until("status", ({ status }) => status === "reconnecting");
  two.order({ do: "note", text: "written while the server was gone" });

  step("The server is started again; the clients come back by themselves");
  server = start("server", "server", name);
  for (const client of [one, two]) await client.until("status", ({ status }) => status === "connected");
  await server.until("received", ({ text }) => text === "written while the server was gone");
  await greet(one, server, "one is back");
  await tellNews(server, [one, two], "all together again");

  step("Everyone closes in order");
  await one.close();
  await two.close();
  await server.close();
}

const tap = await tapWire(tapName, name);
try {
  await demonstrate(tap);
  console.log("\nAll of it happened.");
} catch (error) {
  for (const watched of processes) watched.abandon();
  console.error("\nThe demo failed:", error);
  process.exitCode = 1;
} finally {
  await tap.close();
}
