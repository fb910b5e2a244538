// Keeps so many connections open that say nothing, and opens a new one for each that the server drops.
// Usage: node silent-clients.js PATH COUNT stay|return [BYTES-IN-HEX]. Ends with its input.

import { createConnection, type Socket } from "node:net";

const [path = "", count = "1", manner = "stay", bytes = ""] = process.argv.slice(2);
const sockets = new Set<Socket>();
let connected = 0;
let dropped = 0;
let ended = false;

function say(line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function connect(): void {
  if (ended) return;
  const socket = createConnection(path);
  let wasConnected = false;
  sockets.add(socket);
  socket.resume();
  socket.once("connect", () => {
    wasConnected = true;
    connected += 1;
    if (bytes !== "") socket.write(Buffer.from(bytes, "hex"));
    if (connected === Number(count)) say({ event: "connected" });
  });
  // Where too many wait to be accepted the system says so, and the next try may go better.
  socket.on("error", () => {});
  socket.once("close", () => {
    sockets.delete(socket);
    if (wasConnected) dropped += 1;
    if (wasConnected && dropped % 1_000 === 0) say({ event: "dropped", dropped });
    if (!wasConnected || manner === "return") setImmediate(connect);
  });
}

for (let index = 0; index < Number(count); index++) connect();

process.stdin.resume().once("end", () => {
  ended = true;
  for (const socket of sockets) socket.destroy();
});
